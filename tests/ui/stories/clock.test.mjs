// A device whose clock is three hours off: times, days and the order of messages are those of the server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, Line, stage } from "../support.mjs";

const on = stage();
const HOUR = 3_600_000;

/** A place on earth where it is about noon, so that three hours more or less are on the same day. */
function noon() {
  const hours = 12 - new Date().getUTCHours();
  // The sign in these names is the other way round.
  return hours === 0 ? "Etc/GMT" : `Etc/GMT${hours > 0 ? "-" : "+"}${Math.abs(hours)}`;
}

for (const [how, off] of [
  ["ahead", 3 * HOUR],
  ["behind", -3 * HOUR],
]) {
  test(`a clock that is three hours ${how} changes nothing`, async () => {
    const timezoneId = noon();
    const anna = await on.browser.device(DESKTOP, { timezoneId });
    await anna.page.addInitScript((off) => {
      const now = Date.now;
      Date.now = () => now() + off;
    }, off);
    await anna.open(on.server.url);
    await anna.register(`anna-${how}`);
    const right = await (await on.browser.device(DESKTOP, { timezoneId })).open(on.server.url);
    await right.login(`anna-${how}`);
    const bela = await Line.person(on.server, `bela-${how}`);
    const chiara = await Line.person(on.server, `chiara-${how}`);
    await chiara.does({ action: "message", receiver: `anna-${how}`, content: "from Chiara" });
    await anna.add(`bela-${how}`);
    await anna.say("one");
    await anna.message("one").locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
    await bela.does({ action: "message", receiver: `anna-${how}`, content: "two" });
    await anna.sees("two");
    await anna.say("three");
    await anna.message("three").locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
    await right.opens(new RegExp(`bela-${how}`));
    await right.sees("three");

    const seen = (device) =>
      device.page.evaluate(() => ({
        days: [...document.querySelectorAll(".day")].map((day) => day.textContent),
        messages: [...document.querySelectorAll("article.message")].map((message) => [
          message.querySelector(".text").textContent,
          message.querySelector("time").textContent,
        ]),
        list: [...document.querySelectorAll("nav .row")].map((row) => [
          row.querySelector(".name").textContent,
          row.querySelector(".time").textContent,
        ]),
      }));
    const shown = await seen(anna);
    assert.deepEqual(shown, await seen(right));
    assert.deepEqual(shown.days, ["Today"]);
    assert.deepEqual(
      shown.messages.map(([text]) => text),
      ["one", "two", "three"],
    );

    // What waits stands below all that is there, and above all others in the list, whatever the clock says.
    anna.expected.push(/WebSocket connection/, /ERR_CONNECTION_REFUSED/);
    right.expected.push(/WebSocket connection/, /ERR_CONNECTION_REFUSED/);
    await chiara.does({ action: "message", receiver: `anna-${how}`, content: "from Chiara again" });
    await anna.page.getByRole("navigation").getByText("from Chiara again").waitFor();
    await on.server.stop();
    await anna.say("four");
    await anna.message("four").locator('[data-tick="waiting"]').waitFor();
    const { messages, list, days } = await seen(anna);
    assert.equal(messages.at(-1)[0], "four");
    assert.equal(list[0][0], `bela-${how}`);
    assert.deepEqual(days, ["Today"]);
    await on.server.restart();
    await anna.message("four").locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
    await right.sees("four");
    assert.deepEqual(await seen(anna), await seen(right));
    anna.calm();
    right.calm();
    bela.close();
    chiara.close();
    await anna.close();
    await right.close();
  });
}
