// The desktop program that runs already, and another start of it.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { stage, startApp } from "./screen.mjs";
import { PASSWORD, PATIENCE, until } from "../support.mjs";

const on = stage();

/** Starts it once more, and waits for how that ends. */
function again(...options) {
  const second = startApp(on.screen, on.server, "anna", ...options);
  return new Promise((resolve) => second.once("exit", resolve));
}

/** Waits until the server knows somebody. */
const known = (name) =>
  until(() => {
    on.server.cli("bob", "contacts", "add", name);
    return true;
  });

test("a second start hands its link to the window that is there", { timeout: 6 * PATIENCE }, async () => {
  const link = on.server.link;
  on.server.cli("bob", "register", "bob", "--server", link);
  on.server.cli("anna", "register", "anna", "--server", link);
  on.server.cli("bob", "send", "anna", "hello");
  let app = startApp(on.screen, on.server, "anna");
  try {
    const window = await on.screen.window(1040, 720);
    // The message is there: so is the account.
    await until(() => /^\(1\) Kith$/.test(on.screen.run("xdotool", "getwindowname", window).trim()));

    // What isn't understood does nothing.
    for (const said of ["open https://localhost/\n", "\0\0\0\n", "x".repeat(100_000), "open file:///etc/passwd\n"]) {
      const socket = connect(join(on.server.folder, "anna/window.sock"));
      const heard = [];
      socket.on("data", (data) => heard.push(data));
      socket.on("error", () => {});
      socket.end(said);
      await new Promise((resolve) => socket.once("close", resolve));
      assert.deepEqual(heard, [], said.slice(0, 40));
    }
    on.screen.keep("before-a-link");

    // Without a link the window only shows itself.
    assert.equal(await again(), 0);
    assert.equal(on.screen.windows().length, 1);

    // With a link, somebody can join by it.
    const code = on.server.invite().split("#")[1];
    assert.equal(await again(`kith://localhost:${on.server.port}/#${code}`), 0);
    assert.deepEqual(on.screen.windows(), [window]);
    // Nothing tells from outside when the fields are there: so the picture has to be the same for a while.
    await still();
    on.screen.keep("handed");
    on.screen.run("xdotool", "windowfocus", "--sync", window);
    on.screen.run("xdotool", "type", "--window", window, "--delay", "20", "carla");
    on.screen.run("xdotool", "key", "--window", window, "Tab");
    on.screen.run("xdotool", "type", "--window", window, "--delay", "20", PASSWORD);
    on.screen.run("xdotool", "key", "--window", window, "Return");
    await known("carla");
    await until(() => on.screen.run("xdotool", "getwindowname", window).trim() === "Kith");
    await still();
    on.screen.keep("joined-by-a-link");

    // One that is killed leaves nothing that would be in the way.
    process.kill(-app.pid, "SIGKILL");
    await until(() => !on.screen.windows().length);
    app = startApp(on.screen, on.server, "anna");
    await on.screen.window(1040, 720);
    assert.equal(await again(), 0);
  } finally {
    process.kill(-app.pid);
  }
});

/** Waits until the screen hasn't changed for a second. */
async function still() {
  let before;
  await until(async () => {
    const now = on.screen.run("import", "-window", "root", "-format", "%#", "info:");
    const same = now === before;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return same;
  });
}
