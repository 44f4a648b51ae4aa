// The app without its server, with a newer build of itself, and as something that a browser installs.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { DESKTOP, PHONE, stage, until } from "../support.mjs";

const on = stage();

/** What browsers say themselves when a server is away. */
const AWAY = [/WebSocket connection/, /ERR_CONNECTION_REFUSED/, /Failed to load resource/];

/** Waits until the service worker has all that it keeps, and answers for the page. */
function kept(device) {
  return device.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
  });
}

/** What the page's script is called. */
function script(device) {
  return device.page.evaluate(() => document.querySelector("script[src]").getAttribute("src"));
}

function caches(device) {
  return device.page.evaluate(() => caches.keys());
}

test("the app opens with its conversations while the server is away", async () => {
  const anna = await (await on.browser.device(PHONE)).open(on.server.url);
  const bela = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await anna.register("anna");
  await bela.register("bela");
  await anna.add("bela");
  await anna.say("kept for later");
  await anna.message("kept for later").locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
  await kept(anna);
  anna.expected.push(...AWAY);
  bela.expected.push(...AWAY);
  await on.server.stop();
  await anna.page.reload();
  await anna.opens(/bela/);
  await anna.sees("kept for later");
  await anna.page.getByText("No connection. What you write is sent later.").waitFor();
  await anna.say("written offline");
  await anna.message("written offline").locator('[data-tick="waiting"]').waitFor();
  await anna.page.reload();
  await anna.opens(/bela/);
  await anna.message("written offline").locator('[data-tick="waiting"]').waitFor();
  // The picture of the page's splash is there too.
  const icon = await anna.page.evaluate(async () => (await fetch("/icons/icon.svg")).status);
  assert.equal(icon, 200);
  await on.server.restart();
  await anna.message("written offline").locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
  await bela.opens(/anna/);
  await bela.sees("written offline");
  anna.calm();
  bela.calm();
  await anna.close();
  await bela.close();
});

/** The same app as another build has it: what its script says and is called is another. */
function newer(folder) {
  const copy = mkdtempSync(join(tmpdir(), "kith-newer-"));
  cpSync(folder, copy, { recursive: true });
  const assets = join(copy, "assets");
  const before = readdirSync(assets).find((name) => /^main-.*\.js$/.test(name));
  const after = "main-NEWER234.js";
  renameSync(join(assets, before), join(assets, after));
  writeFileSync(join(assets, after), `${readFileSync(join(assets, after), "utf8")}\n// newer\n`);
  for (const name of ["index.html", "sw.js"]) {
    const text = readFileSync(join(copy, name), "utf8").replaceAll(before, after);
    // The version is made from the page, and the page is another one.
    writeFileSync(join(copy, name), text.replace(/kith [0-9a-f]{16}/, "kith 00000000newer000"));
  }
  for (const changed of [`assets/${before}`, "index.html", "sw.js"]) {
    for (const suffix of [".br", ".gz"]) rmSync(join(copy, changed + suffix), { force: true });
  }
  return { copy, script: `/assets/${after}` };
}

test("a newer build takes the place of the one that is kept", async () => {
  const chiara = await (await on.browser.device(PHONE)).open(on.server.url);
  await chiara.register("chiara");
  await kept(chiara);
  const [before] = await caches(chiara);
  const old = await script(chiara);
  chiara.expected.push(...AWAY);
  const folder = on.server.web;
  const build = newer(folder);
  try {
    await on.server.stop();
    on.server.web = build.copy;
    await on.server.restart();
    await chiara.page.reload();
    await chiara.page.getByRole("heading", { name: "Chats", exact: true }).waitFor();
    assert.notEqual(await script(chiara), old);
    assert.equal(await script(chiara), build.script);
    // The worker follows, and throws away what the older one has kept.
    await until(async () => {
      const all = await caches(chiara);
      return all.length === 1 && all[0] !== before;
    });
    await on.server.stop();
    await chiara.page.reload();
    await chiara.page.getByRole("heading", { name: "Chats", exact: true }).waitFor();
    assert.equal(await script(chiara), build.script);
    chiara.calm();
  } finally {
    await on.server.stop();
    on.server.web = folder;
    await on.server.restart();
    rmSync(build.copy, { recursive: true, force: true });
    await chiara.close();
  }
});

test("a browser that trusts the certificate installs the app", async () => {
  const device = await on.browser.ordinary(PHONE);
  await device.open(on.server.url);
  await device.page.getByRole("button", { name: "Create account" }).waitFor();
  const session = await device.context.newCDPSession(device.page);
  const { data, errors } = await session.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  assert.equal(JSON.parse(data).name, "Kith");
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors, []);
  device.calm();
  await device.close();
});
