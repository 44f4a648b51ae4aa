// What the stories stand on: a real server with its own CA, browsers that trust that CA, and people in them.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before } from "node:test";
import tls from "node:tls";
import { fileURLToPath } from "node:url";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const HERE = dirname(fileURLToPath(import.meta.url));

/** Set by `cargo xtask test`: the server's program, the terminal client's, and, for stories in a browser, the folder of the web app. */
const SERVER = process.env.KITH_SERVER_BIN ?? join(HERE, "../../target/debug/kith-server");
const CLI = process.env.KITH_CLI_BIN ?? join(HERE, "../../target/debug/kith-cli");
const WEB = process.env.KITH_WEB_DIR;
const CHROMIUM = process.env.KITH_CHROMIUM ?? "/usr/bin/chromium";

/** The environment without what is meant for these tests: a server refuses variables that it doesn't know. */
const SYSTEM = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("KITH_")));

export const PASSWORD = "correct horse battery";
export const PHONE = { width: 390, height: 844 };
export const TABLET = { width: 820, height: 1180 };
export const DESKTOP = { width: 1440, height: 900 };

/** Longest wait for anything, in milliseconds. */
export const PATIENCE = 30_000;

/** A server process with data of its own, on a free port. */
export class Server {
  #process;
  #folder = mkdtempSync(join(tmpdir(), "kith-ui-"));
  #settings;

  static async start(settings = {}) {
    const server = new Server();
    server.#settings = settings;
    const said = server.#run("setup", "--registration", settings.registration ?? "open", "--host", "localhost");
    server.pin = /sha256:\S+/.exec(said)?.[0];
    await server.restart();
    return server;
  }

  #environment() {
    return {
      ...SYSTEM,
      KITH_LISTEN: `127.0.0.1:${this.port ?? 0}`,
      ...(WEB && { KITH_WEB__DIRECTORY: WEB }),
      // Not what is tested here, and slow on purpose.
      KITH_PASSWORDS__BCRYPT_COST: "10",
      ...this.#settings.environment,
    };
  }

  #run(...command) {
    return execFileSync(SERVER, [...command, "--data", join(this.#folder, "data")], {
      env: this.#environment(),
      encoding: "utf8",
    });
  }

  /** Starts it, on the port that it had before. */
  async restart() {
    this.#process = spawn(SERVER, ["run", "--data", join(this.#folder, "data")], {
      env: this.#environment(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    await new Promise((resolve, reject) => {
      this.#process.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
      this.#process.stdout.on("data", (data) => {
        said += data;
        const listening = /Listening on \S*:(\d+)/.exec(said);
        if (listening) {
          this.port = Number(listening[1]);
          resolve();
        }
      });
    });
    this.url = `https://localhost:${this.port}/`;
  }

  /** Stops it, as a service manager would. */
  async stop() {
    if (!this.#process || this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
    this.#process = undefined;
  }

  /** Stops it and removes its data. */
  async end() {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Where it is and which key it has, for the terminal client and the desktop program. */
  get link() {
    return `kith://localhost:${this.port}/#pin=${this.pin}`;
  }

  get ca() {
    return join(this.#folder, "data/certs/ca.pem");
  }

  /** A link with a new invite, for browsers. */
  invite() {
    const said = this.#run("invite");
    const link = /kith:\/\/\S+/.exec(said)?.[0];
    assert.ok(link, said);
    const fragment = link.slice(link.indexOf("#"));
    return `${this.url}${fragment}`;
  }

  get log() {
    return readFileSync(join(this.#folder, "data/logs/server.log"), "utf8");
  }

  /** A person with the terminal client. */
  cli(home, ...command) {
    return execFileSync(CLI, command, {
      env: { ...SYSTEM, KITH_HOME: join(this.#folder, home), KITH_PASSWORD: PASSWORD },
      encoding: "utf8",
    });
  }

  /** A program of theirs that goes on. */
  cliRuns(home, ...command) {
    return spawn(CLI, command, {
      env: { ...SYSTEM, KITH_HOME: join(this.#folder, home), KITH_PASSWORD: PASSWORD },
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  get folder() {
    return this.#folder;
  }
}

/** Looks again and again until something is there. What throws isn't there yet. */
export async function until(look) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    let error;
    try {
      const found = await look();
      if (found) return found;
    } catch (failed) {
      error = failed;
    }
    if (Date.now() > end) throw new Error("waited in vain", { cause: error });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A server and a browser for the stories of a file, from before the first to after the last. */
export function stage(settings) {
  const stage = {};
  before(async () => {
    stage.server = await Server.start(settings);
    stage.browser = await Browser.launch(stage.server);
  });
  after(async () => {
    await stage.browser?.close();
    await stage.server?.end();
  });
  return stage;
}

/** A client of the protocol itself, which keeps some requests under way. */
export class Line {
  #socket;
  #rest = "";
  #waiting = [];

  static async open(server) {
    const line = new Line();
    const options = { host: "localhost", port: server.port, ca: readFileSync(server.ca), ALPNProtocols: ["kith/1"] };
    line.#socket = tls.connect(options);
    await new Promise((resolve, reject) => line.#socket.once("secureConnect", resolve).once("error", reject));
    line.#socket.on("data", (data) => {
      const lines = (line.#rest + data).split("\n");
      line.#rest = lines.pop();
      for (const text of lines) {
        const frame = JSON.parse(text);
        if (frame.status) line.#waiting.shift()?.(frame);
      }
    });
    await line.ask({ action: "hello", version: "kith/1" });
    return line;
  }

  ask(request) {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(`${JSON.stringify(request)}\n`);
    });
  }

  close() {
    this.#socket.destroy();
  }
}

/** A browser that trusts a server's CA, because that was imported as a person would. */
export class Browser {
  static async launch(server) {
    const browser = new Browser();
    browser.home = mkdtempSync(join(tmpdir(), "kith-browser-"));
    const store = join(browser.home, ".pki/nssdb");
    mkdirSync(store, { recursive: true });
    execFileSync("certutil", ["-d", `sql:${store}`, "-N", "--empty-password"]);
    execFileSync("certutil", ["-d", `sql:${store}`, "-A", "-t", "C,,", "-n", "Kith", "-i", server.ca]);
    browser.chromium = await chromium.launch({
      executablePath: CHROMIUM,
      env: { ...process.env, HOME: browser.home },
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    return browser;
  }

  /** A window of its own, as on a device of its own. */
  async device(viewport, options = {}) {
    const context = await this.chromium.newContext({
      viewport,
      hasTouch: viewport.width < 720,
      colorScheme: "light",
      locale: "en-GB",
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    return new Device(page, context);
  }

  async close() {
    await this.chromium.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** A person's window. What the browser complains about is kept, and fails the story at its end. */
export class Device {
  complaints = [];
  /** Complaints that a story expects, as regular expressions. */
  expected = [];

  constructor(page, context) {
    this.page = page;
    this.context = context;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("crash", () => this.complaints.push("the page crashed"));
  }

  async open(url) {
    await this.page.goto(url);
    return this;
  }

  /** Makes an account and waits for the list. */
  async register(username) {
    const { page } = this;
    await page.getByLabel("User name").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("heading", { name: "Chats", exact: true }).waitFor();
  }

  async login(username) {
    const { page } = this;
    const link = page.getByRole("button", { name: "I have an account" });
    if (await link.isVisible()) await link.click();
    await page.getByLabel("User name").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Chats", exact: true }).waitFor();
  }

  /** Adds a contact, which opens the conversation with them. */
  async add(username) {
    const { page } = this;
    await page.getByRole("button", { name: "Add contact" }).first().click();
    const dialog = page.getByRole("dialog", { name: "Add contact" });
    await dialog.getByLabel("User name").fill(username);
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    await this.composer.waitFor();
  }

  get composer() {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  /** Writes a message and sends it with the key that one's keyboard has for it. */
  async say(text) {
    await this.composer.fill(text);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
  }

  /** The messages that hold a text. */
  message(text) {
    return this.page.locator("article.message", { hasText: text });
  }

  async sees(text) {
    await this.message(text).first().waitFor();
  }

  /** Opens a conversation from the list. */
  async opens(name) {
    await this.page.getByRole("navigation").getByRole("button", { name }).click();
    await this.composer.waitFor();
  }

  async back() {
    await this.page.getByRole("button", { name: "Back to chats" }).click();
    await this.page.getByRole("heading", { name: "Chats", exact: true }).waitFor();
  }

  /** Fails on anything that axe finds on the screen, in both themes. */
  async accessible(what) {
    for (const colorScheme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page: this.page }).analyze();
      const found = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n  ")}`,
      );
      assert.deepEqual(found, [], `${what}, ${colorScheme}`);
    }
    await this.page.emulateMedia({ colorScheme: "light" });
  }

  /** Fails on what the browser complained about. */
  calm() {
    const unexpected = this.complaints.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
    assert.deepEqual(unexpected, []);
  }

  async close() {
    await this.context.close();
  }
}
