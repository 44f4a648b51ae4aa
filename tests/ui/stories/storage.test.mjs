// A browser that has no room left, or that stores nothing: it is said, and nothing that was typed is lost. And what is stored goes
// when it has to.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, Line, PASSWORD, PHONE, stage, until } from "../support.mjs";
import { databases, everything } from "../support/storage.mjs";

const on = stage();

const STORED = '[data-tick="stored"], [data-tick="delivered"], [data-tick="read"]';

/** Somebody in a browser and somebody at the other end of the line, who know each other. */
async function two(name, other, viewport = DESKTOP) {
  const device = await (await on.browser.device(viewport)).breakable();
  await device.open(on.server.url);
  await device.register(name);
  const line = await Line.person(on.server, other);
  await device.add(other);
  return { device, line };
}

/**
 * Has the page's browser behave as one on a full disk: what was written is undone in the end, with this reason. Chromium has a command
 * that makes the room small, and asks nobody about it when it writes.
 */
function fill(page) {
  return page.evaluate(() => {
    let isFull = true;
    const error = new DOMException("The current transaction exceeded its quota limitations.", "QuotaExceededError");
    for (const name of ["add", "put"]) {
      const write = IDBObjectStore.prototype[name];
      IDBObjectStore.prototype[name] = function (...row) {
        const request = write.apply(this, row);
        const undo = () => {
          if (this.transaction.error) return;
          Object.defineProperty(this.transaction, "error", { value: error });
          this.transaction.abort();
        };
        if (isFull) request.addEventListener("success", undo);
        return request;
      };
    }
    window.makeRoom = () => (isFull = false);
  });
}

test("a browser without room says so, and goes on when there is some", async () => {
  const { device: anna, line: bela } = await two("anna", "bela");
  const { page } = anna;
  await anna.say("before");
  await anna.message("before").locator(STORED).waitFor();
  await fill(page);

  await anna.say("typed without room");
  await page.getByText("There is no room left on this device").first().waitFor();
  assert.equal(await anna.composer.inputValue(), "typed without room");
  await anna.accessible("nothing can be kept");
  await bela.does({ action: "message", receiver: "anna", content: "meanwhile" });
  await page.getByText("This device can’t store messages: There is no room left").waitFor();
  await anna.accessible("nothing that comes can be kept");

  await page.evaluate(() => window.makeRoom());
  await page.getByRole("button", { name: "Try again" }).click();
  await anna.sees("meanwhile");
  assert.equal(await anna.composer.inputValue(), "typed without room");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await anna.message("typed without room").locator(STORED).waitFor();
  assert.equal(await anna.message("typed without room").count(), 1);
  anna.calm();
  bela.close();
  await anna.close();
});

test("a browser that stores nothing says so, and what to do", async () => {
  const chiara = await on.browser.device(PHONE);
  const { page } = chiara;
  await page.addInitScript(() => {
    const open = IDBFactory.prototype.open;
    window.denied = true;
    IDBFactory.prototype.open = function (...args) {
      if (window.denied) throw new DOMException("The user denied permission to access the database.", "SecurityError");
      return open.apply(this, args);
    };
  });
  await chiara.open(on.server.url);
  await page.getByText("This device can’t store messages").waitFor();
  await page.getByText("Allow it to store data, or leave its private window").waitFor();
  await page.evaluate(() => (window.denied = false));
  await page.getByRole("button", { name: "Try again" }).click();
  await chiara.register("chiara");
  chiara.calm();
  await chiara.close();
});

test("what is typed stays where storage is taken away in the middle", async () => {
  const { device: david, line: emma } = await two("david", "emma");
  const { page } = david;
  await david.say("before");
  await david.message("before").locator(STORED).waitFor();
  await page.evaluate(() => {
    const open = IDBFactory.prototype.open;
    window.allow = () => (IDBFactory.prototype.open = open);
    IDBFactory.prototype.open = () => {
      throw new DOMException("The user denied permission to access the database.", "SecurityError");
    };
  });
  // As a person clears what a page has stored.
  const session = await david.context.newCDPSession(page);
  await session.send("Storage.clearDataForOrigin", { origin: on.server.url, storageTypes: "indexeddb" });
  await david.say("typed without storage");
  await page.getByText("This browser keeps nothing for this page").first().waitFor();
  assert.equal(await david.composer.inputValue(), "typed without storage");
  await page.evaluate(() => window.allow());
  // The engine may have found out too.
  const again = page.getByRole("button", { name: "Try again" });
  if (await again.isVisible()) await again.click();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await david.message("typed without storage").locator(STORED).waitFor();
  david.calm();
  emma.close();
  await david.close();
});

test("who logs out leaves nothing behind", async () => {
  const { device: fritz, line: greta } = await two("fritz", "greta");
  const { page } = fritz;
  await fritz.say("to Greta");
  await fritz.message("to Greta").locator(STORED).waitFor();
  await fritz.composer.fill("a draft for Greta");
  await page.getByRole("navigation").getByText("Draft:").waitFor();
  await until(async () => (await everything(page)).includes("a draft for Greta"));
  assert.ok((await everything(page)).includes("to Greta"));
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("main").getByText("Log out", { exact: true }).last().click();
  await page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Create account" }).waitFor();
  assert.deepEqual(await databases(page), ["kith"]);
  const left = await everything(page);
  for (const secret of ["fritz", "Greta", "greta", "token"]) assert.ok(!left.includes(secret), left);
  assert.equal((await fritz.context.cookies()).length, 0);
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
  fritz.calm();
  greta.close();
  await fritz.close();
});

test("a session that was ended elsewhere takes its copy along, and leaves what was typed", async () => {
  const { device: hanna, line: ivan } = await two("hanna", "ivan", PHONE);
  const { page } = hanna;
  await hanna.say("to Ivan");
  await hanna.message("to Ivan").locator(STORED).waitFor();
  await hanna.composer.fill("a draft for Ivan");
  await until(async () => (await everything(page)).includes("a draft for Ivan"));

  const elsewhere = await Line.open(on.server);
  const { device } = await elsewhere.does({ action: "login", username: "hanna", password: PASSWORD });
  const { sessions } = await elsewhere.does({ action: "sessions", session_action: "list" });
  const lost = sessions.find((session) => session.device !== device);
  await elsewhere.does({ action: "sessions", session_action: "revoke", device: lost.device });
  await page.getByText("You were logged out here").waitFor();
  assert.equal(await page.getByText("to Ivan").count(), 0);
  await until(async () => (await databases(page)).length === 1);
  const left = await everything(page);
  assert.ok(!left.includes("to Ivan"), left);
  assert.ok(!left.includes('"token"'), left);
  assert.ok(left.includes("a draft for Ivan"), left);

  // Nor does a page that comes back bring anything back.
  await page.reload();
  await page.getByText("You were logged out here").waitFor();
  assert.equal(await page.getByLabel("User name").inputValue(), "hanna");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await hanna.opens(/ivan/);
  await hanna.sees("to Ivan");
  assert.equal(await hanna.composer.inputValue(), "a draft for Ivan");
  hanna.calm();
  elsewhere.close();
  ivan.close();
  await hanna.close();
});

test("another password, set elsewhere, logs out and keeps what was typed", async () => {
  const { device: phone, line: kim } = await two("jana", "kim", PHONE);
  await phone.composer.fill("begun before");
  await until(async () => (await everything(phone.page)).includes("begun before"));
  const desk = await (await on.browser.device(DESKTOP)).open(on.server.url);
  await desk.login("jana");

  // Something waits to be sent when it happens.
  phone.cut();
  await phone.page.getByText("No connection. What you write is sent later.").waitFor();
  await phone.say("sent too late");
  await phone.message("sent too late").locator('[data-tick="waiting"]').waitFor();
  await phone.composer.fill("begun again");
  await desk.page.getByRole("button", { name: "Settings" }).click();
  await desk.page.getByRole("main").getByRole("button", { name: "Change password" }).click();
  const dialog = desk.page.getByRole("dialog", { name: "Change password" });
  await dialog.getByLabel("Current password", { exact: true }).fill("not this one");
  await dialog.getByLabel("New password", { exact: true }).fill("another horse battery");
  await dialog.getByRole("button", { name: "Change password" }).click();
  await dialog.getByText("User name and password don’t belong together.").waitFor();
  await dialog.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Change password" }).click();
  await desk.page.getByText("Password changed. Your other devices were logged out.").waitFor();
  phone.mend();

  await phone.page.getByText("because the password was changed").waitFor();
  await phone.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await phone.page.getByRole("button", { name: "Log in" }).click();
  await phone.page.getByText("User name and password don’t belong together.").waitFor();
  await phone.page.getByLabel("Password", { exact: true }).fill("another horse battery");
  await phone.page.getByRole("button", { name: "Log in" }).click();
  await phone.opens(/kim/);
  await phone.message("sent too late").locator(STORED).waitFor();
  assert.equal(await phone.message("sent too late").count(), 1);
  assert.equal(await phone.composer.inputValue(), "begun again");
  phone.calm();
  desk.calm();
  kim.close();
  await phone.close();
  await desk.close();
});
