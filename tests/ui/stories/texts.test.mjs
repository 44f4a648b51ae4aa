// What people write and what they are called: too long, from right to left, nothing but emoji, or written for a browser rather than
// for a reader.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, Line, PHONE, stage } from "../support.mjs";

const on = stage();
const MESSAGE_BYTES = 64 * 1024;
const RIGHT_TO_LEFT_OVERRIDE = "\u202e";

test("a message that is too long is told before it is sent, and stays", async () => {
  const anna = await (await on.browser.device(DESKTOP)).open(on.server.url);
  const { page } = anna;
  await anna.register("anna");
  await Line.person(on.server, "bela");
  await anna.add("bela");
  // Two bytes each.
  const text = "ä".repeat(MESSAGE_BYTES / 2);
  await anna.composer.fill(`${text}12345`);
  await page.getByText("5 too many").waitFor();
  assert.ok(await page.getByRole("button", { name: "Send", exact: true }).isDisabled());
  await anna.composer.press("Enter");
  assert.equal((await anna.composer.inputValue()).length, text.length + 5);
  assert.equal(await page.locator("article.message").count(), 0);
  for (let n = 0; n < 5; n += 1) await anna.composer.press("Backspace");
  await page.getByText("5 too many").waitFor({ state: "detached" });
  await anna.composer.press("Enter");
  await page.locator('article.message [data-tick="stored"]').waitFor();
  assert.equal(await anna.composer.inputValue(), "");
  // It is folded, and all of it is there.
  await page.getByRole("button", { name: "Show more" }).click();
  assert.equal((await page.locator("article.message .text").textContent()).length, text.length);
  anna.calm();
  await anna.close();
});

/** Where a text begins and ends within an element: pixels from the left of the window. */
function place(locator, text) {
  return locator.evaluate((element, text) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const at = walker.currentNode.data.indexOf(text);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + text.length);
      const { left, right } = range.getBoundingClientRect();
      return { left, right };
    }
    throw new Error(`no ${text} in ${element.outerHTML}`);
  }, text);
}

test("names and texts run in their own direction and turn nothing around them", async () => {
  const chiara = await (await on.browser.device(DESKTOP)).open(on.server.url);
  const { page } = chiara;
  await chiara.register("chiara");
  const dana = await Line.person(on.server, "dana");
  const hebrew = "דנה כהן";
  await dana.does({ action: "profile", profile_action: "set", display_name: `${hebrew}!`, about: "שלום (hello)" });
  const emil = await Line.person(on.server, "emil");
  const turned = `Emil${RIGHT_TO_LEFT_OVERRIDE}gnp.exe`;
  const set = await emil.ask({ action: "profile", profile_action: "set", display_name: turned });
  await dana.does({ action: "message", receiver: "chiara", content: "مرحبا بالعالم!" });
  await emil.does({ action: "message", receiver: "chiara", content: `left ${RIGHT_TO_LEFT_OVERRIDE}right` });
  const row = page.getByRole("navigation").locator(".row");

  const danas = row.filter({ hasText: hebrew });
  await danas.waitFor();
  // A name from right to left stands where all names stand, with what ends it at its left.
  const name = danas.locator(".name");
  assert.ok((await place(name, "!")).right <= (await place(name, hebrew)).left + 1);
  const bounds = await name.boundingBox();
  assert.ok((await place(name, "!")).left < bounds.x + 8, "it begins where names begin");
  assert.ok((await danas.locator(".time").boundingBox()).x > bounds.x + bounds.width - 1);
  const said = danas.locator(".soft");
  assert.ok((await place(said, "!")).left < (await place(said, "مرحبا")).left);

  // A sign that turns the text around is left out of names, and has no say outside of a text.
  const emils = row.filter({ hasText: "left" });
  if (set.status === "ok") assert.equal(await emils.locator(".name").textContent(), "Emilgnp.exe");
  assert.ok((await place(emils.locator(".soft"), "left")).left < (await place(emils.locator(".soft"), "right")).left);

  await chiara.opens(new RegExp(hebrew));
  const text = chiara.message("مرحبا").locator(".text");
  assert.ok((await place(text, "!")).left < (await place(text, "مرحبا")).left);
  await chiara.say("בסדר, 5 דקות.");
  const own = chiara.message("בסדר");
  await own.locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
  assert.ok((await place(own.locator(".text"), ".")).left < (await place(own.locator(".text"), "בסדר")).left);
  const foot = await own.locator(".foot").boundingBox();
  assert.ok(foot.x >= (await place(own.locator(".text"), "בסדר")).left, "the time stays at its place");
  await chiara.opens(/emil/i);
  const whole = chiara.message("left").locator(".text");
  const box = await whole.boundingBox();
  const time = await chiara.message("left").locator("time").boundingBox();
  assert.ok(time.x >= box.x + box.width - 1, "the time stays behind the text");
  chiara.calm();
  await chiara.close();
});

test("emoji alone are large, and with words they aren't", async () => {
  const fritz = await (await on.browser.device(PHONE)).open(on.server.url);
  await fritz.register("fritz");
  await Line.person(on.server, "greta");
  await fritz.add("greta");
  const size = async (said) => {
    // By its text alone: a digit may stand in each message's time too.
    const text = fritz.page.locator(".text", { hasText: said });
    const message = fritz.page.locator("article.message", { has: text });
    // Until then it may be drawn anew at any moment.
    await message.locator('[data-tick="stored"]').waitFor();
    return message.locator(".text").evaluate((text) => parseFloat(getComputedStyle(text).fontSize));
  };
  for (const text of ["👍", "👩‍👩‍👧‍👦🏳️‍🌈", "❤️🇩🇪"]) {
    await fritz.say(text);
    assert.ok((await size(text)) > 30, text);
  }
  for (const text of ["fine 😀", "7", "#️ 8"]) {
    await fritz.say(text);
    assert.ok((await size(text)) < 20, text);
  }
  fritz.calm();
  await fritz.close();
});

test("markup for browsers is a text like any other: as a name, in a file's name, in a message", async () => {
  const hanna = await (await on.browser.device(DESKTOP)).open(on.server.url);
  const { page } = hanna;
  const attacks = [];
  await page.exposeFunction("attacked", () => attacks.push("run"));
  const user = page.getByLabel("User name");
  await user.waitFor();
  await user.fill("<b>hanna</b>");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("beginning with a letter or digit").waitFor();
  await hanna.register("hanna");

  const ivan = await Line.person(on.server, "ivan");
  const name = '<img src=x onerror=attacked()>"><b>Ivan';
  await ivan.does({ action: "profile", profile_action: "set", display_name: name, about: "<script>attacked()</script>" });
  const { conversation } = await ivan.does({ action: "message", receiver: "hanna", content: "</p><iframe srcdoc=x>" });
  const file_name = "<img src=x onerror=attacked()>.svg";
  const file_data = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='attacked()'/>").toString("base64");
  await ivan.does({ action: "file", conversation, file_name, file_data });
  await ivan.does({ action: "react", conversation, target: 1, reaction: "<b>" });
  await hanna.page.getByRole("navigation").getByText(name).waitFor();
  await hanna.opens(/Ivan/);
  await page.getByRole("heading", { name }).waitFor();
  await hanna.sees("</p><iframe srcdoc=x>");
  await hanna.message(file_name).getByRole("button", { name: `Save file: ${file_name}` }).waitFor();
  await hanna.message("</p>").getByRole("button", { name: "<b>, 1" }).waitFor();
  assert.equal(await page.locator("img[src=x], iframe, .kith script, b").count(), 0);
  assert.deepEqual(attacks, []);
  hanna.calm();
  ivan.close();
  await hanna.close();
});
