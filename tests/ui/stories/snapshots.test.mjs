// The main screens look as they did: compared with the pictures in `snapshots`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, Line, PHONE, stage } from "../support.mjs";
import { STILL, compare, still } from "../support/snapshot.mjs";

const on = stage();

/** Somebody at the other end of the line, who is there and has Anna among their contacts. */
async function friend(username, display_name) {
  const line = await Line.person(on.server, username);
  await line.does({ action: "profile", profile_action: "set", display_name });
  await line.does({ action: "contacts", contact_action: "add", contact_username: "anna" });
  await line.does({ action: "presence", presence: "online" });
  return line;
}

test("the main screens look as they did", async () => {
  const anna = await on.browser.device(DESKTOP, STILL);
  await still(anna);
  await anna.open(on.server.url);
  const { page } = anna;
  const found = [];
  const look = async (name, sizes) => {
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      found.push(...(await compare(anna, `${name}-${size}`)));
    }
  };
  await page.getByRole("button", { name: "Create account" }).waitFor();
  // The port is another one each time.
  await page.locator(".join .server strong").evaluate((server) => (server.textContent = "chat.example:7443"));
  await look("join", { phone: PHONE, desktop: DESKTOP });
  await anna.register("anna");

  const bela = await friend("bela", "Béla");
  const chiara = await friend("chiara", "Chiara");
  const david = await friend("david", "David");
  await chiara.does({ action: "message", receiver: "anna", content: "The photos are ready 📷" });
  await david.does({ action: "message", receiver: "anna", content: "See you at eight!" });
  await david.does({ action: "message", receiver: "anna", content: "I'll bring **the guitar**" });
  await anna.add("bela");
  await anna.say("Hey Béla, did the move go well?");
  await anna.message("did the move").locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
  const { conversation, number } = await bela.does({
    action: "message",
    receiver: "anna",
    content: "Yes! Everything is in, even the piano.",
  });
  const say = (content, more) => bela.does({ action: "message", conversation, content, ...more });
  await say("🎉🎉");
  await say("The new address:\n> Rosenweg 12\n> 8050 Zürich", { reply_to: number - 1 });
  await anna.sees("Rosenweg");
  await anna.say("Lovely. Here is how the Wi-Fi is set up:\n```\nssid = rosenweg\nkey  = (on paper)\n```");
  const wifi = anna.message("Wi-Fi");
  await wifi.locator('[data-tick="stored"], [data-tick="delivered"]').waitFor();
  const last = await say("Perfect, thank you – more at https://kith.example/house");
  await bela.does({ action: "react", conversation, target: last.number - 1, reaction: "❤️" });
  await bela.does({ action: "mark", conversation, delivered: last.number - 1, read: last.number - 1 });
  await wifi.locator('[data-tick="read"]').waitFor();
  await wifi.getByRole("button", { name: "❤️, 1" }).waitFor();
  await anna.composer.fill("On Saturday we could");
  await page.getByRole("navigation").getByText("Draft:").waitFor();
  await page.locator(".chat .bar").getByText("online").waitFor();
  await page.mouse.move(0, 0);
  await look("chat", { desktop: DESKTOP, phone: PHONE });
  await anna.back();
  await look("list", { phone: PHONE });
  await page.setViewportSize(DESKTOP);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText("This device ·").waitFor();
  await page.mouse.move(0, 0);
  await look("settings", { desktop: DESKTOP, phone: PHONE });
  assert.deepEqual(found, []);
  anna.calm();
  for (const line of [bela, chiara, david]) line.close();
  await anna.close();
});
