// Two pages of one browser, in which the same account is open.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, Line, PASSWORD, stage, until } from "../support.mjs";
import { databases } from "../support/storage.mjs";

const on = stage();

/** What stands in the messages, from top to bottom. */
function texts(device) {
  return device.page.locator("article.message .text").allTextContents();
}

/** The page comes to the front, and what lies behind it hears of that. */
function look(device) {
  return device.page.evaluate(() => window.dispatchEvent(new Event("focus")));
}

test("two pages show the same, send the same once, and keep what is begun in each", async () => {
  const one = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await one.register("anna");
  const bela = await Line.person(on.server, "bela");
  const chiara = await Line.person(on.server, "chiara");
  await one.add("bela");
  const other = await (await one.tab()).open(on.server.url);
  await other.opens(/bela/);

  await one.say("from one page");
  await other.sees("from one page");
  await other.say("from the other");
  await one.sees("from the other");
  await bela.does({ action: "message", receiver: "anna", content: "and from Bela" });
  await one.sees("and from Bela");
  await other.sees("and from Bela");
  const expected = ["from one page", "from the other", "and from Bela"];
  assert.deepEqual(await texts(one), expected);
  assert.deepEqual(await texts(other), expected);

  // Both write at the same time.
  await Promise.all([one, other].map((device, page) => device.say(`at once, page ${page}`)));
  for (const device of [one, other]) {
    for (const page of [0, 1]) {
      const message = device.message(`at once, page ${page}`);
      await message.locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
      assert.equal(await message.count(), 1);
    }
  }
  assert.deepEqual(await texts(one), await texts(other));

  // What is begun in one page outlives what is begun in the other.
  await chiara.does({ action: "message", receiver: "anna", content: "hello from Chiara" });
  await one.composer.fill("begun with Bela");
  await other.opens(/chiara/);
  await other.composer.fill("begun with Chiara");
  const drafts = (device) => device.page.getByRole("navigation").locator(".row", { hasText: "Draft:" });
  await other.page.getByRole("navigation").getByText("begun with Chiara").waitFor();
  await look(other);
  await until(async () => (await drafts(other).count()) === 2);
  await one.page.reload();
  await one.opens(/chiara/);
  assert.equal(await one.composer.inputValue(), "begun with Chiara");
  await one.opens(/bela/);
  assert.equal(await one.composer.inputValue(), "begun with Bela");

  for (const device of [one, other]) device.calm();
  bela.close();
  chiara.close();
  await one.close();
});

test("who logs out in one page is logged out in the other", async () => {
  const one = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await one.register("david");
  await Line.person(on.server, "emma");
  await one.add("emma");
  await one.say("to Emma");
  await one.message("to Emma").locator('[data-tick="stored"]').waitFor();
  const other = await (await one.tab()).open(on.server.url);
  await other.opens(/emma/);
  await one.page.getByRole("button", { name: "Settings" }).click();
  await one.page.getByRole("main").getByText("Log out", { exact: true }).last().click();
  await one.page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  await one.page.getByRole("button", { name: "Create account" }).waitFor();
  await other.page.getByText("You were logged out here").waitFor();
  assert.equal(await other.page.getByText("to Emma").count(), 0);
  // Neither keeps anything, and neither brings anything back.
  await until(async () => (await databases(one.page)).length === 1);
  assert.deepEqual(await databases(other.page), ["kith"]);
  await one.login("david");
  await one.opens(/emma/);
  await one.sees("to Emma");
  await other.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.page.getByRole("button", { name: "Log in" }).click();
  await other.opens(/emma/);
  await other.sees("to Emma");
  one.calm();
  other.calm();
  await one.close();
});
