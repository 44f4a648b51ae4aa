// The app by keyboard alone, at a desk.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, Line, stage } from "../support.mjs";

const on = stage();

test("keys find conversations, go through them and come back to writing", async () => {
  const anna = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await anna.register("anna");
  for (const name of ["bela", "chiara"]) {
    const somebody = await Line.person(on.server, name);
    await somebody.does({ action: "message", receiver: "anna", content: `from ${name}` });
  }
  const { page } = anna;
  const heading = (name) => page.locator("section.chat").getByRole("heading", { name });
  const row = (name) => page.getByRole("navigation").getByRole("button", { name });
  await row(/chiara/).waitFor();

  // Nothing has the focus yet. The newest conversation is the first.
  await page.keyboard.press("Alt+ArrowDown");
  await heading("chiara").waitFor();
  await page.keyboard.press("Alt+ArrowDown");
  await heading("bela").waitFor();
  await page.keyboard.type("written at once");
  await page.keyboard.press("Enter");
  await anna.sees("written at once");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("chi");
  await row(/bela/).waitFor({ state: "detached" });
  await row(/chiara/).click();
  await heading("chiara").waitFor();

  // Emoji go where one writes; Escape and a click elsewhere close them.
  const panel = page.getByRole("group", { name: "Emoji" });
  await page.getByRole("button", { name: "Emoji" }).click();
  await panel.getByRole("button").first().click();
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  await page.keyboard.type(" so");
  assert.match(await anna.composer.inputValue(), /^\S+ so$/u);
  await page.getByRole("button", { name: "Emoji" }).click();
  await panel.waitFor();
  await page.mouse.click(900, 300);
  await panel.waitFor({ state: "detached" });

  // The conversation that is open is chosen again: one wants to write in it.
  await row(/chiara/).click();
  await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "message");

  await page.keyboard.press("Control+,");
  await page.getByRole("heading", { name: "Keyboard" }).waitFor();
  await page.getByText("Alt+↓").waitFor();
  await anna.accessible("the settings with their keys");
  anna.calm();
  await anna.close();
});
