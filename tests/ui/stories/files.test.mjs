// Files and pictures.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { DESKTOP, PHONE, png, stage } from "../support.mjs";

const on = stage();

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
