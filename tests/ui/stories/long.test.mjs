// A long conversation: it opens at its end, older pages come while one scrolls, and nothing moves under one's eyes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, Line, PASSWORD, PHONE, stage, until } from "../support.mjs";

const on = stage();
const STORED = 400;

/** Where a message stands, in pixels from the top of the window; nothing where it isn't in the page. */
function place(device, text) {
  return device.page.evaluate(
    (text) =>
      [...document.querySelectorAll("article.message")]
        .find((message) => message.textContent.includes(text))
        ?.getBoundingClientRect().top,
    text,
  );
}

for (const [name, viewport] of [
  ["at a desk", DESKTOP],
  ["on a phone", PHONE],
]) {
  test(`older pages come while one scrolls up, ${name}`, async () => {
    const reader = `anna-${viewport.width}`;
    const writer = `bela-${viewport.width}`;
    const anna = await (await on.browser.device(viewport)).open(on.server.url);
    await anna.register(reader);
    const line = await Line.open(on.server);
    await line.ask({ action: "register", username: writer, password: PASSWORD });
    await line.ask({ action: "login", username: writer, password: PASSWORD });
    const write = (content) => line.ask({ action: "message", receiver: reader, content });
    for (let n = 0; n < STORED; n += 1) await write(`Message ${n}.`);
    await anna.page.getByText(`Message ${STORED - 1}.`).waitFor();
    await anna.opens(new RegExp(writer));
    // What wasn't read begins with a line, at the top of what is loaded.
    await anna.page.getByRole("separator", { name: "New messages" }).or(anna.page.getByText("New messages")).first().waitFor();

    // Further and further up, to the beginning.
    const box = anna.page.locator(".timeline-scroll");
    let jumps = 0;
    await until(async () => {
      const before = await anna.page.evaluate(() => {
        const top = document.querySelector(".timeline-scroll").getBoundingClientRect().top;
        const seen = [...document.querySelectorAll("article.message")].find(
          (message) => message.getBoundingClientRect().top > top + 60,
        );
        return { text: /Message \d+\./.exec(seen.textContent)[0], top: seen.getBoundingClientRect().top };
      });
      await box.evaluate((box) => box.scrollBy(0, -300));
      await anna.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const now = await place(anna, before.text);
      // It went down by as much as was scrolled, whatever was added above it, except at the very top.
      if (now !== undefined && now - before.top > 302) jumps += 1;
      return anna.page.getByText("This is the beginning of your conversation.").isVisible();
    });
    assert.equal(jumps, 0);
    await box.evaluate((box) => box.scrollTo(0, -box.scrollHeight));
    await anna.sees("Message 0.");

    // What comes meanwhile moves nothing, and is a click away.
    const before = await place(anna, "Message 0.");
    await write("And one more.");
    await anna.page.getByText("1 new message").first().waitFor();
    assert.ok(Math.abs((await place(anna, "Message 0.")) - before) < 1);
    await anna.page.getByRole("button", { name: "Jump to newest" }).click();
    await anna.sees("And one more.");
    await until(async () => (await place(anna, "And one more.")) < viewport.height);
    line.close();
    anna.calm();
    await anna.close();
  });
}

test("all is said in German too", async () => {
  const anna = await (await on.browser.device(PHONE, { locale: "de-AT" })).open(on.server.url);
  const { page } = anna;
  await page.getByLabel("Benutzername").fill("doris");
  await page.getByLabel("Passwort", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Konto anlegen" }).click();
  await page.getByText("Noch keine Chats").waitFor();
  await page.getByRole("button", { name: "Einstellungen" }).click();
  await page.getByRole("radio", { name: "English" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await page.getByRole("radio", { name: "Dark" }).click();
  await page.reload();
  await page.getByRole("heading", { name: "Chats", exact: true }).waitFor();
  assert.equal(await page.locator(".kith").getAttribute("data-theme"), "dark");
  anna.calm();
  await anna.close();
});
