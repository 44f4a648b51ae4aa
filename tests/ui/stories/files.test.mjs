// Files and pictures.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { DESKTOP, PHONE, stage } from "../support.mjs";

const on = stage();

/** A picture of one colour: PNG, 8 bits, RGB. */
function png(width, height) {
  const crcs = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const crc = (bytes) => (bytes.reduce((c, b) => crcs[(c ^ b) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x99)]);
  const lines = Buffer.concat(Array(height).fill(line));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(lines)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("files and pictures go both ways", async () => {
  const alice = await (await on.browser.device(PHONE)).open(on.server.url);
  const bob = await (await on.browser.device(DESKTOP, { acceptDownloads: true })).open(on.server.url);
  await alice.register("alice");
  await bob.register("bob");
  await alice.add("bob");
  const pick = alice.page.getByLabel("Send file");
  await pick.setInputFiles({ name: "picture.png", mimeType: "image/png", buffer: png(120, 80) });
  await bob.opens(/alice/);
  const picture = bob.page.getByRole("button", { name: "Open picture: picture.png" });
  await picture.click();
  await bob.page.getByRole("dialog", { name: "picture.png" }).waitFor();
  await bob.accessible("a picture");
  await bob.page.keyboard.press("Escape");

  // What only pretends to be a picture is a file.
  const fake = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
  await pick.setInputFiles({ name: "fake.png", mimeType: "image/png", buffer: fake });
  const save = bob.page.getByRole("button", { name: "Save file: fake.png" });
  const [download] = await Promise.all([bob.page.waitForEvent("download"), save.click()]);
  assert.equal(download.suggestedFilename(), "fake.png");
  assert.deepEqual(readFileSync(await download.path()), fake);

  // Too large, and empty: said at once.
  const large = Buffer.alloc(8 * 1024 * 1024 + 1);
  await pick.setInputFiles({ name: "large.bin", mimeType: "application/octet-stream", buffer: large });
  await alice.page.getByText("large.bin: Too large: at most 8.4 MB can be sent.").waitFor();
  await pick.setInputFiles({ name: "empty.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(0) });
  await alice.page.getByText("empty.bin: This file is empty").waitFor();
  await alice.accessible("toasts");

  alice.calm();
  bob.calm();
  await alice.close();
  await bob.close();
});
