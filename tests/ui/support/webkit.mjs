// WebKit, the engine of Safari and of every browser on an iPhone, driven as the W3C's WebDriver has it.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "../support.mjs";
import { Screen } from "../window/screen.mjs";

const DRIVER = "/usr/bin/WebKitWebDriver";

/** What an element is called in WebDriver's replies (W3C WebDriver, 11). */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** WebKit's own small browser, where it is installed. */
export const BROWSER =
  existsSync(DRIVER) &&
  readdirSync("/usr/lib")
    .map((folder) => `/usr/lib/${folder}/webkit2gtk-4.1/MiniBrowser`)
    .find((program) => existsSync(program));

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A window of it with one page. */
export class WebKit {
  #driver;
  #screen;
  #address;
  #home = mkdtempSync(join(tmpdir(), "kith-webkit-"));

  static async open(url) {
    const webkit = new WebKit();
    try {
      await webkit.#start();
      await webkit.#ask("POST", "/url", { url });
    } catch (error) {
      await webkit.close();
      throw error;
    }
    return webkit;
  }

  async #start() {
    this.#screen = await Screen.start();
    const port = await freePort();
    this.#driver = spawn(DRIVER, [`--port=${port}`], {
      env: { ...process.env, DISPLAY: this.#screen.display, HOME: this.#home, LC_ALL: "C.UTF-8", LIBGL_ALWAYS_SOFTWARE: "1" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.#address = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${this.#address}/status`)).ok);
    const { sessionId } = await this.#ask("POST", "/session", {
      capabilities: {
        alwaysMatch: {
          // It knows the system's certificates alone, to which a test adds none. That browsers check them, Chromium's stories show.
          acceptInsecureCerts: true,
          "webkitgtk:browserOptions": { binary: BROWSER, args: ["--automation"] },
        },
      },
    });
    this.#address += `/session/${sessionId}`;
    // As narrow as a phone, and the window's frame around it.
    await this.#ask("POST", "/window/rect", { x: 0, y: 0, width: 420, height: 880 });
  }

  async #ask(method, path, body) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.#address + path, { method, headers, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  /** Waits for an element, by CSS or XPath, and returns its way. */
  async #element(selector) {
    const using = selector.startsWith("/") ? "xpath" : "css selector";
    const found = await until(() => this.#ask("POST", "/element", { using, value: selector }));
    return `/element/${found[ELEMENT]}`;
  }

  async sees(selector) {
    await this.#element(selector);
  }

  /** Waits until something in the page holds, and returns it. */
  async holds(expression) {
    return await until(() => this.run(`return ${expression}`));
  }

  async clicks(selector) {
    // What is drawn anew in between is clicked again.
    await until(async () => {
      await this.#ask("POST", `${await this.#element(selector)}/click`, {});
      return true;
    });
  }

  /** Types, or picks a file. */
  async types(selector, text) {
    await this.#ask("POST", `${await this.#element(selector)}/value`, { text });
  }

  async run(script) {
    return await this.#ask("POST", "/execute/sync", { script, args: [] });
  }

  async reload() {
    await this.#ask("POST", "/refresh", {});
  }

  async close() {
    if (this.#address?.includes("/session/")) await this.#ask("DELETE", "");
    this.#driver?.kill();
    this.#screen?.end();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}
