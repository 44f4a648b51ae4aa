// The screens that only the desktop program shows, in a browser, where axe can look at them. The app's own test has written them down.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { Browser, DESKTOP, PHONE } from "../support.mjs";

const PAGES = process.env.KITH_PAGES;

test("axe finds nothing on the screens that no browser shows", async () => {
  const browser = await Browser.launch();
  const pages = readdirSync(PAGES).filter((name) => name.endsWith(".html"));
  assert.ok(pages.length >= 3, String(pages));
  const found = [];
  for (const viewport of [PHONE, DESKTOP]) {
    const device = await browser.device(viewport);
    for (const name of pages) {
      await device.open(pathToFileURL(join(PAGES, name)).href);
      found.push(...(await device.violations(`${name}, ${viewport.width} wide`)));
    }
    await device.close();
  }
  assert.deepEqual(found, []);
  await browser.close();
});
