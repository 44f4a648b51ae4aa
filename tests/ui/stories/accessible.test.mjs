// Everything that the app shows, as axe sees it: in both themes, on a phone and at a desk.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, PASSWORD, PHONE, stage } from "../support.mjs";
import { walk } from "../support/walk.mjs";

const on = stage();

for (const [where, viewport] of [
  ["on a phone", PHONE],
  ["at a desk", DESKTOP],
]) {
  test(`axe finds nothing ${where}`, async () => {
    const found = [];
    const look = async (what, device) => found.push(...(await device.violations(what)));
    const failed = await walk(on, viewport, look).then(
      () => undefined,
      (error) => error,
    );
    // All at once: to mend them one after the other would take a walk for each.
    assert.equal(found.join("\n"), "");
    if (failed) throw failed;
  });
}

const closed = stage({ environment: { KITH_REGISTRATION: "closed" } });

test("axe finds nothing where nobody can join", async () => {
  const device = await (await closed.browser.device(PHONE)).open(closed.server.url);
  await device.page.getByText("This server takes no new accounts.").waitFor();
  await device.accessible("a server that takes nobody");
  await device.close();
});

const invited = stage({ registration: "invite" });

test("axe finds nothing where an invite is wanted", async () => {
  const device = await (await invited.browser.device(PHONE)).open(invited.server.url);
  const { page } = device;
  await page.getByRole("button", { name: "I am new here" }).click();
  await page.getByLabel("User name").fill("mallory");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Invite code").fill("nothing-that-works");
  await device.accessible("an invite is wanted");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("This invite is unknown, used or expired").first().waitFor();
  await device.accessible("a bad invite");
  await device.close();
});
