// What happens on bad days: nothing that was typed is lost, and each day says what it is.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, PASSWORD, PHONE, stage } from "../support.mjs";

const on = stage({ registration: "invite" });

/** What browsers say themselves when a server is away. */
const AWAY = [/WebSocket connection/, /ERR_CONNECTION_REFUSED/, /Failed to load resource/];

test("an invite leaves the address at once, and works once", async () => {
  const invite = on.server.invite();
  const alice = await (await on.browser.device(PHONE)).open(invite);
  await alice.page.getByText("You are invited").waitFor();
  assert.equal(alice.page.url(), on.server.url);
  await alice.register("alice");
  const late = await (await on.browser.device(PHONE)).open(invite);
  await late.page.getByLabel("User name").fill("late");
  await late.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await late.page.getByRole("button", { name: "Create account" }).click();
  await late.page.getByText("This invite is unknown, used or expired").first().waitFor();
  alice.calm();
  late.calm();
  await alice.close();
  await late.close();
});

test("what is written while the server is away is sent later, once", async () => {
  const bob = await (await on.browser.device(DESKTOP)).open(on.server.invite());
  const carol = await (await on.browser.device(DESKTOP)).open(on.server.invite());
  await bob.register("bob");
  await carol.register("carol");
  await bob.add("carol");
  await bob.say("before");
  await carol.opens(/bob/);
  await carol.sees("before");
  bob.expected.push(...AWAY);
  carol.expected.push(...AWAY);
  await on.server.stop();
  await bob.page.getByText("No connection. What you write is sent later.").waitFor();
  await bob.page.getByText(/^Next try in \d+ s\.$/).waitFor();
  await bob.accessible("offline");
  await bob.say("in between");
  await bob.message("in between").locator('[data-tick="waiting"]').waitFor();
  // Not even a reload loses it.
  await on.server.restart();
  await bob.message("in between").locator('[data-tick="stored"], [data-tick="delivered"], [data-tick="read"]').waitFor();
  await carol.sees("in between");
  assert.equal(await carol.message("in between").count(), 1);
  assert.equal(await bob.message("in between").count(), 1);
  bob.calm();
  carol.calm();
  await bob.close();
  await carol.close();
});

test("a device that is logged out elsewhere says so and keeps what was typed", async () => {
  const phone = await (await on.browser.device(PHONE)).open(on.server.invite());
  await phone.register("dave");
  const desk = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await desk.login("dave");
  await desk.page.getByRole("button", { name: "Settings" }).click();
  await desk.page.getByRole("heading", { name: "Devices" }).waitFor();
  await desk.accessible("settings");
  await desk.page.getByRole("main").getByRole("button", { name: "Log out" }).first().click();
  await phone.page.getByText("You were logged out here").waitFor();
  phone.calm();
  desk.calm();
  await phone.close();
  await desk.close();
});

test("a page that is opened again shows the conversation at once", async () => {
  const erin = await (await on.browser.device(DESKTOP)).open(on.server.invite());
  await erin.register("erin");
  await erin.add("alice");
  await erin.say("kept here");
  await erin.message("kept here").locator('[data-tick="stored"]').waitFor();
  await erin.composer.fill("a draft");
  await erin.page.getByRole("navigation").getByText("Draft:").waitFor();
  await erin.page.reload();
  await erin.opens(/alice/);
  await erin.sees("kept here");
  assert.equal(await erin.composer.inputValue(), "a draft");
  erin.calm();
  await erin.close();
});
