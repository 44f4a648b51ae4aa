// The desktop program in a window of its own: started for real, typed into with a keyboard that isn't there, and heard by
// somebody at a terminal.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

import { PATIENCE, Server, until } from "../support.mjs";

const APP = process.env.KITH_APP_BIN;
const PICTURES = process.env.KITH_PICTURES;

let server;
let screen;
let display;

before(async () => {
  server = await Server.start();
  // Xvfb says on this descriptor which display it has found free.
  screen = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  display = await new Promise((resolve, reject) => {
    screen.once("exit", (code) => reject(new Error(`Xvfb ended with ${code}`)));
    screen.stdio[3].once("data", (data) => resolve(`:${String(data).trim()}`));
  });
});

after(async () => {
  screen?.kill();
  await server?.end();
});

/** A command on the virtual screen. */
function onScreen(program, ...args) {
  return execFileSync(program, args, { env: { ...process.env, DISPLAY: display }, encoding: "utf8" });
}

/** Lines of a program's output, one at a time. */
function lines(process) {
  const read = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  return async () => (await read.next()).value;
}

test("what is typed into the window reaches somebody at a terminal", { timeout: 4 * PATIENCE }, async () => {
  const link = server.link;
  server.cli("bob", "register", "bob", "--server", link);
  server.cli("anna", "register", "anna", "--server", link);
  server.cli("anna", "contacts", "add", "bob");
  const listening = server.cliRuns("bob", "listen", "--json");
  const heard = lines(listening);

  const app = spawn("dbus-run-session", ["--", APP], {
    env: {
      ...process.env,
      DISPLAY: display,
      KITH_HOME: join(server.folder, "anna"),
      LANG: "en_GB.UTF-8",
      LC_ALL: "C.UTF-8",
      LIBGL_ALWAYS_SOFTWARE: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
      // Its sandbox wants namespaces that containers don't give. Only this test's own server is shown in it.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
    },
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  try {
    const window = await until(() => {
      const found = onScreen("xdotool", "search", "--onlyvisible", "--name", "Kith").trim().split("\n").pop();
      onScreen("xdotool", "windowfocus", "--sync", found);
      return found;
    });
    onScreen("xdotool", "windowsize", "--sync", window, "1040", "720");
    // The line with Bob is the first of the list. Nothing tells from outside when a page is there, so it is tried until what was typed is
    // heard whole.
    const said = (async () => {
      for (;;) {
        const line = await heard();
        if (line === undefined) return undefined;
        const event = JSON.parse(line);
        if (event.event === "message" && event.body.content === "hello from a window") return event;
      }
    })();
    let done = false;
    said.finally(() => (done = true));
    await until(async () => {
      onScreen("xdotool", "mousemove", "--window", window, "170", "150", "click", "1");
      await new Promise((resolve) => setTimeout(resolve, 500));
      onScreen("xdotool", "mousemove", "--window", window, "600", "686", "click", "1");
      onScreen("xdotool", "type", "--window", window, "--delay", "20", "hello from a window");
      onScreen("xdotool", "key", "--window", window, "Return");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return done;
    });
    const event = await said;
    assert.equal(event.sender, "anna");
    // How it looks is kept for people.
    if (PICTURES) {
      mkdirSync(PICTURES, { recursive: true });
      onScreen("import", "-window", "root", join(PICTURES, "window.png"));
    }
  } finally {
    process.kill(-app.pid);
    listening.kill();
  }
});
