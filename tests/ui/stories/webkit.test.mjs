// The same app in the engine of iPhones.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jpeg, Line, PASSWORD, Server } from "../support.mjs";
import { BROWSER, WebKit } from "../support/webkit.mjs";

const STORED = 200;
const skip = !BROWSER && "there is no WebKit with a driver";
const folder = mkdtempSync(join(tmpdir(), "kith-webkit-files-"));
let server;
let webkit;

before(async () => {
  if (skip) return;
  server = await Server.start();
  webkit = await WebKit.open(server.url);
});
after(async () => {
  await webkit?.close();
  await server?.end();
  rmSync(folder, { recursive: true, force: true });
});

test("in WebKit one joins, talks, sends files, scrolls up, comes back and logs out", { skip }, async () => {
  await webkit.types('[autocomplete="username"]', "anna");
  await webkit.types('[autocomplete="new-password"]', PASSWORD);
  await webkit.clicks('button[type="submit"]');
  await webkit.sees(".empty");

  const bob = await Line.person(server, "bob");
  const texts = Array.from({ length: STORED }, (_, n) => `Message ${n}: ${"some words ".repeat(1 + (n % 7))}`);
  await Promise.all(texts.map((content) => bob.does({ action: "message", receiver: "anna", content })));
  await webkit.clicks("nav .row");
  await webkit.types(".composer textarea", "From WebKit");
  await webkit.clicks('[aria-label="Send"]:enabled');
  await webkit.sees('[data-tick="stored"], [data-tick="delivered"]');
  await bob.does({ action: "message", receiver: "anna", content: "Hello **Anna**" });
  await webkit.holds(`[...document.querySelectorAll("article.message strong")].some((strong) => strong.textContent === "Anna")`);

  const photo = join(folder, "trip.jpg");
  writeFileSync(photo, jpeg());
  await webkit.types('.composer input[type="file"]', photo);
  const isDrawn = (selector) => `[...document.querySelectorAll("${selector}")].some((picture) => picture.naturalWidth > 0)`;
  await webkit.holds(isDrawn(".chosen img"));
  await webkit.clicks('[role="dialog"] .button.primary');
  await webkit.holds(isDrawn("article.message .frame img.fills"));
  // A window that is driven is a private one, whose store takes no blobs.
  const large = join(folder, "large.bin");
  writeFileSync(large, randomBytes(5_000_000));
  await webkit.types('.composer input[type="file"]', large);
  await webkit.clicks('[role="dialog"] .button.primary');
  await webkit.holds(`document.querySelectorAll('[data-tick="stored"], [data-tick="delivered"]').length === 3`);

  const read = `/Message (\\d+):/.exec(document.querySelector("article.message").textContent)?.[1]`;
  const newest = Number(await webkit.run(`return ${read}`));
  assert.ok(newest > 0, "not all is loaded at once");
  await webkit.holds(`(document.querySelector(".timeline-scroll").scrollBy(0, -400), ${read} === "0")`);

  await webkit.reload();
  await webkit.holds(`document.querySelector("nav .row")?.textContent.includes("large.bin")`);

  await webkit.clicks('[aria-label="Settings"]');
  await webkit.clicks('//button[normalize-space()="Log out"]');
  await webkit.clicks('//*[@role="dialog" or @role="alertdialog"]//button[normalize-space()="Log out"]');
  await webkit.sees('[autocomplete="username"]');
  await webkit.reload();
  await webkit.sees('[autocomplete="username"]');
  bob.close();
});
