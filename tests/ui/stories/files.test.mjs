// Files and pictures.

import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync, closeSync, createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { after, test } from "node:test";

import { DESKTOP, film, jpeg, PHONE, PLACE, png, stage, until } from "../support.mjs";

const on = stage();
const folder = mkdtempSync(join(tmpdir(), "kith-files-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What browsers say themselves when a server is away. */
const AWAY = [/WebSocket connection/, /ERR_CONNECTION_REFUSED/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/, /Failed to load resource/];

/** Bytes a second that the phone's line takes while it is looked at. */
const LINE = 40 * 1000 * 1000;

async function pair(one, other) {
  const alice = await (await on.browser.device(PHONE)).open(on.server.url);
  const bob = await (await on.browser.device(DESKTOP, { acceptDownloads: true })).open(on.server.url);
  await alice.register(one);
  await bob.register(other);
  await alice.add(other);
  return [alice, bob];
}

async function saved(device, name) {
  const save = device.page.getByRole("button", { name: `Save file: ${name}` });
  const [download] = await Promise.all([device.page.waitForEvent("download"), save.click()]);
  assert.equal(download.suggestedFilename(), name);
  return download.path();
}

async function hashed(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

test("pictures are shown before and after they are sent, and don't tell where they were taken", async () => {
  const [alice, bob] = await pair("alice", "bob");
  await alice.picks(
    { name: "harbour.jpg", mimeType: "image/jpeg", buffer: jpeg() },
    { name: "plan.png", mimeType: "image/png", buffer: png(1200, 800) },
    { name: "left out.txt", mimeType: "text/plain", buffer: Buffer.from("x") },
  );
  const sheet = alice.page.getByRole("dialog", { name: "Send 3 files" });
  assert.equal(await sheet.locator("img").count(), 2);
  await sheet.getByRole("button", { name: "Leave out: left out.txt" }).click();
  await alice.page.getByRole("dialog", { name: "Send 2 files" }).waitFor();
  await alice.page.keyboard.press("Tab");
  await alice.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
  await bob.opens(/alice/);
  const harbour = bob.page.getByRole("button", { name: "Open picture: harbour.jpg" });
  await harbour.waitFor();
  // It has the room that it will take before it is there, standing up.
  const frame = harbour.locator(".frame");
  const box = await until(() => frame.boundingBox());
  assert.ok(box.height > box.width, JSON.stringify(box));
  await harbour.click();
  await bob.page.getByRole("dialog", { name: "harbour.jpg" }).waitFor();
  await bob.accessible("a picture");
  // On to the next, and back.
  await bob.page.keyboard.press("ArrowRight");
  await bob.page.getByRole("dialog", { name: "plan.png" }).waitFor();
  await bob.page.getByRole("button", { name: "Previous" }).click();
  const viewer = bob.page.getByRole("dialog", { name: "harbour.jpg" });
  const [download] = await Promise.all([
    bob.page.waitForEvent("download"),
    viewer.getByRole("button", { name: "Save file" }).click(),
  ]);
  const bytes = readFileSync(await download.path());
  assert.ok(jpeg().includes(PLACE) && !bytes.includes(PLACE));
  assert.ok(bytes.length < jpeg().length);
  await bob.page.keyboard.press("Escape");

  // Who wants to tell, does.
  await alice.picks({ name: "here.jpg", mimeType: "image/jpeg", buffer: jpeg() });
  await alice.page.getByRole("switch", { name: "Keep location and camera" }).click();
  await alice.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
  await bob.page.getByRole("button", { name: "Open picture: here.jpg" }).click();
  const [whole] = await Promise.all([
    bob.page.waitForEvent("download"),
    bob.page.getByRole("dialog", { name: "here.jpg" }).getByRole("button", { name: "Save file" }).click(),
  ]);
  assert.deepEqual(readFileSync(await whole.path()), jpeg());
  await bob.page.keyboard.press("Escape");

  // All of them again, together.
  await bob.page.locator(".chat header.bar").getByRole("button", { name: "More" }).click();
  await bob.page.getByRole("menuitem", { name: "Files" }).click();
  const files = bob.page.getByRole("dialog", { name: "Files" });
  await files.getByRole("button", { name: "Open picture: plan.png" }).click();
  await bob.page.getByRole("dialog", { name: "plan.png" }).waitFor();
  alice.calm();
  bob.calm();
  await alice.close();
  await bob.close();
});

test("films don't tell where they were made, and what can't be read is said to", async () => {
  const [alice, bob] = await pair("gina", "hugo");
  // One goes inside its message, one beside it. They are of a kind that is saved and not played.
  for (const [name, size] of [["short.heic", 1000], ["long.heic", 5_000_000]]) {
    const made = film(randomFillSync(Buffer.alloc(size)), "heic");
    await alice.picks({ name, mimeType: "", buffer: made });
    await alice.page.getByRole("switch", { name: "Keep location and camera" }).waitFor();
    assert.equal(await alice.page.getByText("Not readable to the end").count(), 0);
    await alice.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
    await bob.opens(/gina/);
    const bytes = readFileSync(await saved(bob, name));
    const at = made.indexOf("udta");
    const blank = Buffer.concat([made.subarray(0, at), Buffer.from("free"), Buffer.alloc(made.length - at - 4)]);
    assert.ok(made.includes(PLACE) && bytes.equals(blank));
  }
  const cut = film(Buffer.alloc(1000)).subarray(0, -1);
  await alice.picks({ name: "cut.mp4", mimeType: "video/mp4", buffer: cut });
  await alice.page.getByText("Not readable to the end").waitFor();
  await alice.accessible("a film that can't be read");
  await alice.page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  alice.calm();
  bob.calm();
  await alice.close();
  await bob.close();
});

test("what only pretends to be a picture is a file, and a program is asked about", async () => {
  const [alice, bob] = await pair("carol", "dave");
  const fake = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
  await alice.sends({ name: "fake.png", mimeType: "image/png", buffer: fake });
  await bob.opens(/carol/);
  assert.deepEqual(readFileSync(await saved(bob, "fake.png")), fake);

  await alice.sends({ name: "photo.jpg.exe", mimeType: "image/jpeg", buffer: jpeg() });
  await bob.page.getByRole("button", { name: "Save file: photo.jpg.exe" }).click();
  const warning = bob.page.getByRole("dialog", { name: "This may be a program" });
  await warning.getByText("“photo.jpg.exe” does something when it is opened").waitFor();
  const [download] = await Promise.all([
    bob.page.waitForEvent("download"),
    warning.getByRole("button", { name: "Save file" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "photo.jpg.exe");

  // Empty: said at once.
  await alice.page.getByLabel("Send file").setInputFiles({ name: "empty.bin", mimeType: "", buffer: Buffer.alloc(0) });
  await alice.page.getByText("empty.bin: This file is empty").waitFor();
  await alice.accessible("toasts");
  alice.calm();
  bob.calm();
  await alice.close();
  await bob.close();
});

test("200 MB from a phone arrive whole although the server goes away in the middle", async () => {
  const [alice, bob] = await pair("erin", "frank");
  const path = join(folder, "film.bin");
  const file = openSync(path, "w");
  const piece = Buffer.alloc(10 * 1000 * 1000);
  for (let n = 0; n < 20; n += 1) writeSync(file, randomFillSync(piece));
  closeSync(file);
  const session = await alice.context.newCDPSession(alice.page);
  const line = (uploadThroughput) =>
    session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await session.send("Network.enable");
  await line(LINE);
  await alice.page.getByLabel("Send file").setInputFiles(path);
  await alice.page.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
  const ring = alice.page.getByRole("progressbar", { name: "Under way: film.bin" });
  const part = async () => Number(await ring.getAttribute("aria-valuenow", { timeout: 1000 }));
  await until(async () => (await part()) >= 20);
  await alice.accessible("a file under way");
  // A text isn't held up.
  await alice.say("It takes a while");
  await bob.opens(/erin/);
  await bob.sees("It takes a while");

  // Held up, and on again.
  await alice.page.getByRole("button", { name: "Pause: film.bin" }).click();
  await alice.page.getByRole("button", { name: "Go on: film.bin" }).click();
  const before = await until(part);
  assert.ok(before < 100);
  alice.expected.push(...AWAY);
  bob.expected.push(...AWAY);
  await on.server.stop();
  await alice.page.getByText("No connection. What you write is sent later.").waitFor();
  await on.server.restart();
  await line(-1);
  await bob.page.getByRole("button", { name: "Save file: film.bin" }).waitFor();
  await ring.waitFor({ state: "detached" });
  assert.equal(await hashed(await saved(bob, "film.bin")), await hashed(path));
  alice.calm();
  bob.calm();
  await alice.close();
  await bob.close();
});

test("a file under way is called off", async () => {
  const [alice, bob] = await pair("grace", "heidi");
  const session = await alice.context.newCDPSession(alice.page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1000 * 1000 });
  await alice.sends({ name: "large.bin", mimeType: "", buffer: Buffer.alloc(20 * 1000 * 1000, 7) });
  await alice.page.getByRole("button", { name: "Cancel: large.bin" }).click();
  await alice.message("large.bin").waitFor({ state: "detached" });
  await alice.say("Never mind");
  await bob.opens(/grace/);
  await bob.sees("Never mind");
  assert.equal(await bob.message("large.bin").count(), 0);
  alice.calm();
  bob.calm();
  await alice.close();
  await bob.close();
});
