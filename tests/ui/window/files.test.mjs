// Films and large pictures in the desktop program's window: drawn for real, so that what is seen is looked at.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { stage, startApp } from "./screen.mjs";
import { Browser, PATIENCE, until } from "../support.mjs";

/** More than goes over with the chat: the window reads it from the server as it wants it, in parts. */
const LARGE = 9 * 1024 * 1024;
const GREEN = [0, 160, 60];
const BLUE = [20, 60, 200];

const on = stage();

/** A film of one colour for three seconds, as a browser records it (WebM, VP8), made large by what players skip (RFC 8794, Void). */
async function film(colour) {
  const browser = await Browser.launch();
  const device = await browser.device({ width: 400, height: 400 });
  const base64 = await device.page.evaluate(async (colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const context = canvas.getContext("2d");
    const paint = setInterval(() => {
      context.fillStyle = `rgb(${colour})`;
      context.fillRect(0, 0, 320, 240);
    }, 50);
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm;codecs=vp8" });
    const parts = [];
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    recorder.start();
    setTimeout(() => recorder.stop(), 3000);
    await ended;
    clearInterval(paint);
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, colour);
  await browser.close();
  const skipped = Buffer.alloc(9 + LARGE);
  skipped[0] = 0xec;
  skipped.writeBigUInt64BE(0x0100000000000000n | BigInt(LARGE), 1);
  return Buffer.concat([Buffer.from(base64, "base64"), skipped]);
}

/** A picture of one colour, as large as it is without compression. */
function picture(path, [red, green, blue]) {
  const options = ["-size", "2000x1600", `xc:rgb(${red},${green},${blue})`, "-define", "png:compression-level=0", path];
  on.screen.run("convert", ...options);
}

/** Silence for 100 seconds: WAVE, 48,000 samples a second of 16 bits. */
function sound() {
  const data = Buffer.alloc(100 * 96_000);
  const head = Buffer.from("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\0\0\0\0\0\0\0\0\x02\0\x10\0data\0\0\0\0", "latin1");
  head.writeUInt32LE(data.length + 36, 4);
  head.writeUInt32LE(48_000, 24);
  head.writeUInt32LE(96_000, 28);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

test("films and sound play, and a large picture is shown", { timeout: 6 * PATIENCE }, async () => {
  on.server.cli("bob", "register", "bob", "--server", on.server.link);
  on.server.cli("anna", "register", "anna", "--server", on.server.link);
  on.server.cli("anna", "contacts", "add", "bob");
  const folder = join(on.server.folder, "to-send");
  mkdirSync(folder);
  const send = (name) => on.server.cli("bob", "send-file", "anna", join(folder, name));

  writeFileSync(join(folder, "film.webm"), await film(GREEN));
  send("film.webm");
  const app = startApp(on.screen, on.server, "anna");
  try {
    const window = await on.screen.window(1040, 720);
    const seen = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return on.screen.run("import", "-window", "root", "-format", "%#", "info:");
    };
    const click = (x, y) => on.screen.run("xdotool", "mousemove", "--window", window, String(x), String(y), "click", "1");
    // The line with Bob is the first of the list, and the film is the only thing in the conversation, at its bottom.
    await until(async () => {
      click(170, 150);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      click(500, 560);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      on.screen.keep("film");
      return on.screen.share(GREEN) > 0.03;
    });

    picture(join(folder, "picture.png"), BLUE);
    send("picture.png");
    await until(() => on.screen.share(BLUE) > 0.03);
    on.screen.keep("large-picture");

    writeFileSync(join(folder, "sound.wav"), sound());
    send("sound.wav");
    // While it plays, its time goes on, and nothing else on the screen does.
    await until(async () => {
      const all = [];
      while (all.length < 2 || (all.length < 5 && all.at(-1) !== all.at(-2))) all.push(await seen());
      if (new Set(all).size === 5) return true;
      click(539, 584);
    });
    on.screen.keep("sound");
  } finally {
    process.kill(-app.pid);
  }
});
