// Pictures of the app that stay the same as long as the app does.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";

const STORED = join(dirname(fileURLToPath(import.meta.url)), "../snapshots");

/** Where pictures go that aren't what they should be. */
const OTHERS = process.env.KITH_PICTURES ?? join(tmpdir(), "kith-snapshots");

/** `KITH_SNAPSHOTS=write`: what is seen now is how it should be. */
const WRITE = process.env.KITH_SNAPSHOTS === "write";

/** How different a pixel's colour may be, from 0 to 1: what another version of a browser makes of the same edge. */
const COLOUR = 0.15;

/** Part of all pixels that may differ by more than that. */
const PIXELS = 0.0002;

/** The moment at which all happens on the pictures. */
const MOMENT = Date.UTC(2026, 10, 25, 14, 5);

/** Options for a window on which there is always the same time. */
export const STILL = { timezoneId: "UTC" };

/** Stops the clock of a window, before anything is opened in it. */
export function still(device) {
  return device.page.addInitScript((moment) => {
    // Whatever time is to be shown, it is this one.
    window.Date = class extends Date {
      constructor(...parts) {
        super(...(parts.length > 1 ? parts : [moment]));
      }
      static now() {
        return moment;
      }
    };
  }, MOMENT);
}

/** Compares what a window shows, light and dark, with what is stored under a name. Returns what differs. */
export async function compare(device, name) {
  const { page } = device;
  const found = [];
  await page.evaluate(() => {
    // The fonts that `cargo xtask test` installs, whatever else there is.
    const style = document.querySelector(".kith").style;
    style.setProperty("--face", '"Noto Sans", "Noto Color Emoji"');
    style.setProperty("--face-code", '"Noto Sans"');
  });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => document.fonts.ready);
    const picture = await page.screenshot({ animations: "disabled", caret: "hide" });
    const differs = judge(picture, `${name}-${colorScheme}`);
    if (differs) found.push(differs);
  }
  await page.emulateMedia({ colorScheme: "light" });
  return found;
}

function judge(picture, name) {
  const path = join(STORED, `${name}.png`);
  if (WRITE) {
    mkdirSync(STORED, { recursive: true });
    writeFileSync(path, picture);
    return undefined;
  }
  assert.ok(existsSync(path), `${path} is missing: KITH_SNAPSHOTS=write makes it`);
  const [now, stored] = [picture, readFileSync(path)].map((bytes) => PNG.sync.read(bytes));
  const keep = (suffix, png) => {
    mkdirSync(OTHERS, { recursive: true });
    const to = join(OTHERS, `${name}${suffix}.png`);
    writeFileSync(to, PNG.sync.write(png));
    return to;
  };
  const { width, height } = stored;
  if (now.width !== width || now.height !== height) return `${name} has another size: ${keep("", now)}`;
  const difference = new PNG({ width, height });
  const count = pixelmatch(stored.data, now.data, difference.data, width, height, { threshold: COLOUR });
  if (count <= PIXELS * width * height) return undefined;
  return `${name} differs in ${count} pixels: ${keep("", now)}, ${keep("-difference", difference)}`;
}
