// Alice on a phone and Bob at a desk: from joining to everything that a conversation can hold.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, PHONE, stage } from "../support.mjs";

const on = stage();

test("two people join, find each other and talk", async () => {
  const alice = await (await on.browser.device(PHONE)).open(on.server.url);
  const bob = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await alice.page.getByRole("button", { name: "Create account" }).waitFor();
  await alice.accessible("join");
  await alice.register("alice");
  await alice.page.getByText("No chats yet").waitFor();
  await alice.accessible("an empty list");
  await bob.register("bob");
  await alice.add("bob");
  await alice.page.getByText("Say hello!").waitFor();
  await alice.say("Hello *Bob*");
  await alice.sees("Hello Bob");

  // Bob sees it in the list, unread, and reads it.
  const line = bob.page.getByRole("navigation").getByRole("button", { name: /alice/ });
  await line.getByText("1 unread message").waitFor({ state: "attached" });
  await line.click();
  await bob.sees("Hello Bob");
  assert.equal(await bob.message("Hello Bob").locator("em").textContent(), "Bob");
  await bob.accessible("a conversation at a desk");

  // What happens on one side is seen on the other.
  await alice.message("Hello Bob").locator('[data-tick="read"]').waitFor();
  await bob.composer.pressSequentially("Hi", { delay: 20 });
  await alice.page.getByText("bob is typing").waitFor();
  await bob.composer.press("Enter");
  await alice.sees("Hi");
  await alice.accessible("a conversation on a phone");

  // Answer, reaction, change and deletion.
  const tools = (device, text, name) => device.message(text).getByRole("button", { name, exact: true });
  await tools(bob, "Hello Bob", "More").click();
  await bob.page.getByRole("menuitem", { name: "React 👍" }).click();
  await alice.message("Hello Bob").getByRole("button", { name: "👍, 1" }).waitFor();
  await tools(bob, "Hello Bob", "More").click();
  await bob.page.getByRole("menuitem", { name: "Reply" }).click();
  await bob.say("An answer");
  await alice.message("An answer").locator(".quote", { hasText: "Hello Bob" }).waitFor();
  await tools(bob, "An answer", "More").click();
  await bob.page.getByRole("menuitem", { name: "Edit" }).click();
  await bob.say("A better answer");
  await alice.message("A better answer").getByText("edited").waitFor();
  await tools(bob, "A better answer", "More").click();
  await bob.page.getByRole("menuitem", { name: "Delete" }).click();
  await bob.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await alice.sees("This message was deleted");

  alice.calm();
  bob.calm();
  await alice.close();
  await bob.close();
});

test("what a stranger writes can do nothing", async () => {
  const carol = await (await on.browser.device(DESKTOP)).open(on.server.url);
  const dave = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await carol.register("carol");
  await dave.register("dave");
  await carol.add("dave");
  const texts = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👦",
  ];
  for (const text of texts) await carol.say(text);
  await dave.opens(/carol/);
  for (const text of texts) await dave.sees(text);
  assert.equal(await dave.page.locator("article a, article img, article script").count(), 0);
  await carol.say("see https://kith.example/x and mail ann@example.org");
  await dave.sees("see https://kith.example/x");
  const links = await dave.page.locator("article a").evaluateAll((all) => all.map((a) => [a.href, a.rel]));
  assert.deepEqual(links, [
    ["https://kith.example/x", "noopener noreferrer nofollow"],
    ["mailto:ann@example.org", "noopener noreferrer nofollow"],
  ]);
  carol.calm();
  dave.calm();
  await carol.close();
  await dave.close();
});

test("mistakes are explained beside the field", async () => {
  const erin = await (await on.browser.device(PHONE)).open(on.server.url);
  const { page } = erin;
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("beginning with a letter or digit").waitFor();
  await page.getByText("Type your password").waitFor();
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("This name is taken.").waitFor();
  await erin.accessible("a mistake");
  await erin.register("erin");
  await page.getByRole("button", { name: "Add contact" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("User name").fill("nobody-here");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByText("There is nobody of this name").waitFor();
  await erin.accessible("nobody of this name");
  erin.calm();
  await erin.close();
});
