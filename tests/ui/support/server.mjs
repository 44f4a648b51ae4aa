// A real server with its own CA, and people at a terminal.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { PASSWORD } from "./constants.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Set by `cargo xtask test`: the server's program, the terminal client's, and, for stories in a browser, the folder of the web app. */
const SERVER = process.env.KITH_SERVER_BIN ?? join(ROOT, "target/debug/kith-server");
const CLI = process.env.KITH_CLI_BIN ?? join(ROOT, "target/debug/kith-cli");
const WEB = process.env.KITH_WEB_DIR;

/** The environment without what is meant for these tests: a server refuses variables that it doesn't know. */
const SYSTEM = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("KITH_")));

/** A server process with data of its own, on a free port. */
export class Server {
  #process;
  #folder = mkdtempSync(join(tmpdir(), "kith-ui-"));
  #settings;
  /** The folder of the web app that it serves. */
  web = WEB;

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
      ...(this.web && { KITH_WEB__DIRECTORY: this.web }),
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
