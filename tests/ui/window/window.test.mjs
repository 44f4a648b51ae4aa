// The desktop program in a window of its own: started for real, typed into with a keyboard that isn't there, and heard by
// somebody at a terminal.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { stage, startApp } from "./screen.mjs";
import { PATIENCE, until } from "../support.mjs";

const on = stage();

/** Lines of a program's output, one at a time. */
function lines(process) {
  const read = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  return async () => (await read.next()).value;
}

test("what is typed into the window reaches somebody at a terminal", { timeout: 4 * PATIENCE }, async () => {
  const link = on.server.link;
  on.server.cli("bob", "register", "bob", "--server", link);
  on.server.cli("anna", "register", "anna", "--server", link);
  on.server.cli("anna", "contacts", "add", "bob");
  const listening = on.server.cliRuns("bob", "listen", "--json");
  const heard = lines(listening);

  const app = startApp(on.screen, on.server, "anna");
  try {
    const window = await on.screen.window(1040, 720);
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
      on.screen.run("xdotool", "mousemove", "--window", window, "170", "150", "click", "1");
      await new Promise((resolve) => setTimeout(resolve, 500));
      on.screen.run("xdotool", "mousemove", "--window", window, "600", "686", "click", "1");
      on.screen.run("xdotool", "type", "--window", window, "--delay", "20", "hello from a window");
      on.screen.run("xdotool", "key", "--window", window, "Return");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return done;
    });
    const event = await said;
    assert.equal(event.sender, "anna");
    // One pane: the way back to the list leads through the webview's history, as on a phone. What comes then is unread.
    on.screen.run("xdotool", "windowsize", "--sync", window, "400", "720");
    let sent = 0;
    await until(async () => {
      on.screen.run("xdotool", "mousemove", "--window", window, "28", "30", "click", "1");
      await new Promise((resolve) => setTimeout(resolve, 500));
      on.server.cli("bob", "send", "anna", `message ${(sent += 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return /^\(\d+\) Kith$/.test(on.screen.run("xdotool", "getwindowname", window).trim());
    });
    on.screen.keep("window");
  } finally {
    process.kill(-app.pid);
    listening.kill();
  }
});
