// A screen that nobody sees, and the app on it.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";

import { Server } from "../support.mjs";

import { until } from "../support.mjs";

/** Set by `cargo xtask test`: the app's program. */
const APP = process.env.KITH_APP_BIN;
const PICTURES = process.env.KITH_PICTURES;

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
    return execFileSync(program, args, { env: this.#environment, encoding: "utf8" });
  }

  get #environment() {
    return { ...process.env, DISPLAY: this.display };
  }

  /** The app's windows on it. */
  windows() {
    try {
      return this.run("xdotool", "search", "--onlyvisible", "--name", "Kith").trim().split("\n").filter(Boolean);
    } catch {
      // It finds none.
      return [];
    }
  }

  /** Waits for the app's window and makes it as large as this. */
  async window(width, height) {
    const window = await until(() => this.windows().pop());
    this.run("xdotool", "windowfocus", "--sync", window);
    this.run("xdotool", "windowsize", "--sync", window, String(width), String(height));
    return window;
  }

  /** How large a part of it has about this colour: red, green and blue from 0 to 255. */
  share([red, green, blue]) {
    const colour = `rgb(${red},${green},${blue})`;
    const seen = execFileSync("import", ["-window", "root", "png:-"], { env: this.#environment, maxBuffer: 64 * 1024 * 1024 });
    const counted = ["-fuzz", "12%", "-fill", "black", "+opaque", colour, "-fill", "white", "-opaque", colour];
    const options = ["png:-", "-alpha", "off", ...counted, "-colorspace", "gray", "-format", "%[fx:mean]", "info:"];
    return Number(execFileSync("convert", options, { input: seen, encoding: "utf8" }));
  }

  /** Keeps how it looks, for people. */
  keep(name) {
    if (!PICTURES) return;
    mkdirSync(PICTURES, { recursive: true });
    this.run("import", "-window", "root", join(PICTURES, `${name}.png`));
  }

  end() {
    this.#process.kill();
  }
}

/** Starts the app in a process group of its own, for somebody who is known to the terminal client. */
export function startApp(screen, server, who, ...options) {
  return spawn("dbus-run-session", ["--", APP, ...options], {
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

/** A server and a screen for the stories of a file, from before the first to after the last. */
export function stage() {
  const on = {};
  before(async () => {
    on.server = await Server.start();
    on.screen = await Screen.start();
  });
  after(async () => {
    on.screen?.end();
    await on.server?.end();
  });
  return on;
}
