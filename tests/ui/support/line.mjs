// A client of the protocol itself.

import { readFileSync } from "node:fs";
import tls from "node:tls";

import { PASSWORD } from "./constants.mjs";

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
    // Whoever stops the server knows.
    line.#socket.on("error", () => {});
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

  /** Somebody new, who is logged in. */
  static async person(server, username) {
    const line = await Line.open(server);
    await line.does({ action: "register", username, password: PASSWORD });
    await line.does({ action: "login", username, password: PASSWORD });
    return line;
  }

  /** Asks for something that has to work. */
  async does(request) {
    const reply = await this.ask(request);
    if (reply.status !== "ok") throw new Error(`${request.action}: ${JSON.stringify(reply)}`);
    return reply;
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
