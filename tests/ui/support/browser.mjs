// Browsers that trust a server's CA, and people in them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

import { PASSWORD, PATIENCE } from "./constants.mjs";

const CHROMIUM = process.env.KITH_CHROMIUM ?? "/usr/bin/chromium";

/** A browser that trusts a server's CA, where there is a server, because that was imported as a person would. */
export class Browser {
  static async launch(server) {
    const browser = new Browser();
    browser.home = mkdtempSync(join(tmpdir(), "kith-browser-"));
    if (server) browser.#trust(server);
    browser.chromium = await chromium.launch(browser.#options);
    return browser;
  }

  #trust(server) {
    const store = join(this.home, ".pki/nssdb");
    mkdirSync(store, { recursive: true });
    execFileSync("certutil", ["-d", `sql:${store}`, "-N", "--empty-password"]);
    execFileSync("certutil", ["-d", `sql:${store}`, "-A", "-t", "C,,", "-n", "Kith", "-i", server.ca]);
  }

  get #options() {
    return {
      executablePath: CHROMIUM,
      env: { ...process.env, HOME: this.home },
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    };
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

  /** A window of a browser of its own that keeps what it is told, as a person's does: the others are private ones. */
  async ordinary(viewport, more = []) {
    const options = this.#options;
    options.args.push(...more);
    const profile = mkdtempSync(join(this.home, "profile-"));
    const context = await chromium.launchPersistentContext(profile, { ...options, viewport, locale: "en-GB" });
    context.setDefaultTimeout(PATIENCE);
    return new Device(context.pages()[0] ?? (await context.newPage()), context);
  }

  /** The same, and a port of this machine's own at which other programs can drive it. */
  async debugged() {
    const port = await freePort();
    return { device: await this.ordinary(null, [`--remote-debugging-port=${port}`]), port };
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
  #isCut = false;
  #lines = [];

  constructor(page, context) {
    this.page = page;
    this.context = context;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("crash", () => this.complaints.push("the page crashed"));
  }

  /** Makes the line to the server one that can be cut. It has to be so before anything is opened. */
  async breakable() {
    await this.page.routeWebSocket("**/ws", (socket) => {
      if (this.#isCut) {
        socket.close();
      } else {
        this.#lines.push(socket, socket.connectToServer());
      }
    });
    return this;
  }

  cut() {
    this.#isCut = true;
    for (const end of this.#lines.splice(0)) end.close();
  }

  mend() {
    this.#isCut = false;
  }

  /** Another page of the same browser, beside this one. */
  async tab() {
    return new Device(await this.context.newPage(), this.context);
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
    await link.or(page.getByRole("button", { name: "Log in" })).waitFor();
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

  /** Picks files, which are shown before they are sent. */
  async picks(...files) {
    await this.page.getByLabel("Send file").setInputFiles(files);
    await this.page.getByRole("dialog", { name: /^Send (file|\d+ files)$/ }).waitFor();
  }

  /** Picks files and sends them. */
  async sends(...files) {
    await this.picks(...files);
    await this.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
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

  /** A button that belongs to the first message with a text. */
  tool(text, name) {
    return this.message(text).first().getByRole("button", { name, exact: true });
  }

  /** What axe finds on the screen, in both themes. */
  async violations(what) {
    const found = [];
    for (const colorScheme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme });
      const axe = new AxeBuilder({ page: this.page }).options({ rules: { "target-size": { enabled: true } } });
      const { violations } = await axe.analyze();
      for (const { id, nodes } of violations) {
        const where = nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n  ");
        found.push(`${what}, ${colorScheme}: ${id}: ${where}`);
      }
    }
    await this.page.emulateMedia({ colorScheme: "light" });
    return found;
  }

  /** Fails on anything that axe finds on the screen, in both themes. */
  async accessible(what) {
    assert.deepEqual(await this.violations(what), []);
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

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
