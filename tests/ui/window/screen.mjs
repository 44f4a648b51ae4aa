// A screen that nobody sees, and the app on it.

import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";

/** Set by `cargo xtask test`: the app's program. */
const APP = process.env.KITH_APP_BIN;

/** A virtual screen. */
export class Screen {
  #process;

  static async start() {
    const screen = new Screen();
    // Xvfb says on this descriptor which display it has found free.
    screen.#process = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    screen.display = await new Promise((resolve, reject) => {
      screen.#process.once("exit", (code) => reject(new Error(`Xvfb ended with ${code}`)));
      screen.#process.stdio[3].once("data", (data) => resolve(`:${String(data).trim()}`));
    });
    return screen;
  }

  /** Runs a command on it. */
  run(program, ...args) {
    return execFileSync(program, args, { env: { ...process.env, DISPLAY: this.display }, encoding: "utf8" });
  }

  end() {
    this.#process.kill();
  }
}

/** Starts the app in a process group of its own, for somebody who is known to the terminal client. */
export function startApp(screen, server, who) {
  return spawn("dbus-run-session", ["--", APP], {
    env: {
      ...process.env,
      DISPLAY: screen.display,
      KITH_HOME: join(server.folder, who),
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
}
