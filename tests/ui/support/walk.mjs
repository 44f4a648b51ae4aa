// A walk past everything that the app shows in a browser: each screen, and each state that it has.

import { PASSWORD, PHONE } from "./constants.mjs";
import { Line } from "./line.mjs";
import { jpeg, png } from "./picture.mjs";

/** Longer than what is shown of a message at first. */
const LONG = "Once upon a time there was a message that went on and on. ".repeat(60);

/** Bytes that a message may have. */
const MESSAGE_BYTES = 64 * 1024;

/**
 * Goes past every state and has `look(what, device)` look at each. It wants a server of its own that takes everybody, and
 * stops and starts it on its way.
 */
export async function walk({ server, browser }, viewport, look) {
  const suffix = viewport.width;
  await beginning({ server, browser }, viewport, look);
  const anna = await (await browser.device(viewport)).open(server.url);
  await joining(anna, `anna-${suffix}`, look);
  const bela = await Line.person(server, `bela-${suffix}`);
  await bela.does({ action: "profile", profile_action: "set", display_name: "Béla Bartók", about: "At the piano" });
  await list(anna, `bela-${suffix}`, look);
  await chat(anna, bela, `anna-${suffix}`, look);
  await leafing(anna, bela, `anna-${suffix}`, look);
  await settings({ server, anna }, `anna-${suffix}`, `bela-${suffix}`, look);
  await away({ server, anna }, look);
  await loggedOut({ server, anna }, `anna-${suffix}`, look);
  bela.close();
  await anna.close();
}

/** Before the app is there, and where its server isn't. */
async function beginning({ server, browser }, viewport, look) {
  const device = await browser.device(viewport, { serviceWorkers: "block" });
  const { page } = device;
  let refuse;
  const refused = new Promise((resolve) => (refuse = resolve));
  const asked = new Promise((resolve) => {
    page.route("**/*.wasm", async (route) => {
      resolve();
      await refused;
      await route.abort();
    });
  });
  await page.goto(server.url, { waitUntil: "commit" });
  await asked;
  await page.locator("#splash").waitFor();
  await look("the splash", device);
  refuse();
  await page.getByText("Kith can't start in this browser").waitFor();
  await look("the app can't start", device);
  await device.close();

  const other = await browser.device(viewport, { serviceWorkers: "block" });
  await other.page.routeWebSocket("**/ws", (socket) => socket.close());
  await other.open(server.url);
  await other.page.getByText("The server can’t be reached.").waitFor();
  await look("no server to join", other);
  await other.close();

  const denied = await browser.device(viewport, { serviceWorkers: "block" });
  await denied.page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("The user denied permission to access the database.", "SecurityError");
    };
  });
  await denied.open(server.url);
  await denied.page.getByText("This device can’t store messages").waitFor();
  await look("nothing can be stored", denied);
  await denied.close();
}

async function joining(anna, name, look) {
  const { page } = anna;
  const register = page.getByRole("button", { name: "Create account" });
  await register.waitFor();
  await look("join", anna);
  await page.getByText("About this server’s certificate").click();
  await page.getByText("This server vouches for itself.").waitFor();
  await look("the server's certificate", anna);
  await page.getByText("About this server’s certificate").click();
  await register.click();
  await page.getByText("Type your password").waitFor();
  await look("nothing filled in", anna);
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill("password-1");
  await page.getByText("Longer is better").waitFor();
  await look("a weak password", anna);
  await page.getByRole("button", { name: "I have an account" }).click();
  await page.getByRole("button", { name: "Log in" }).waitFor();
  await look("log in", anna);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("User name and password don’t belong together.").waitFor();
  await look("a wrong password", anna);
  await page.getByRole("button", { name: "I am new here" }).click();
  await anna.register(name);
}

async function list(anna, other, look) {
  const { page } = anna;
  await page.getByText("No chats yet").waitFor();
  await look("no chats", anna);
  await page.getByRole("button", { name: "Add contact" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Add contact" });
  await dialog.waitFor();
  await look("add a contact", anna);
  await dialog.getByLabel("User name").fill("nobody-here");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByText("There is nobody of this name").waitFor();
  await look("nobody of this name", anna);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await anna.add(other);
  await page.getByText("Say hello!").waitFor();
  await look("an empty chat", anna);
}

async function chat(anna, bela, name, look) {
  const { page } = anna;
  const { conversation, number } = await bela.does({ action: "message", receiver: name, content: "Good morning, Anna" });
  const say = (content, more) => bela.does({ action: "message", conversation, content, ...more });
  const send = (file_name, bytes) =>
    bela.does({ action: "file", conversation, file_name, file_data: Buffer.from(bytes).toString("base64") });
  await say("**Bold**, *italic*, ~~struck~~ and `code`, see https://kith.example/page\n> a quote\n```\nlet code = 1;\n```");
  await say(LONG);
  await say("🎉🎉");
  await say("An answer to the first", { reply_to: number });
  const wrong = await say("Good evning");
  await bela.does({ action: "edit", conversation, target: wrong.number, content: "Good evening" });
  const gone = await say("Too much said");
  await bela.does({ action: "delete", conversation, targets: [gone.number] });
  await send("picture.png", png(240, 160));
  await send("notes.txt", "some notes");
  await send("archive.zip", "no archive");
  await send("setup.exe", "no program");
  await bela.does({ action: "react", conversation, target: number, reaction: "👍" });
  await anna.say("My own *first* message, with `code`");
  await anna.message("My own").locator('[data-tick="stored"]').waitFor();
  await anna.say("My second one");
  await anna.sees("My second one");
  await anna.tool("My own", "More").click();
  await page.getByRole("menuitem", { name: "React ❤️" }).click();
  await anna.message("My own").getByRole("button", { name: "❤️, 1" }).waitFor();
  await page.getByRole("button", { name: "Open picture: picture.png" }).waitFor();
  await look("a chat with everything", anna);

  await anna.tool("My second one", "More").click();
  await page.getByRole("menu").waitFor();
  await look("a message's menu", anna);
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog", { name: "Delete" }).waitFor();
  await look("delete a message?", anna);
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await anna.tool("Good morning", "More").click();
  await page.getByRole("menuitem", { name: "Reply" }).click();
  await page.getByText("Reply to Béla").waitFor();
  await look("an answer is written", anna);
  await anna.say("My answer");
  await anna.message("My answer").locator(".quote", { hasText: "Good morning" }).waitFor();
  await anna.tool("My second one", "More").click();
  await page.getByRole("menuitem", { name: "Edit" }).click();
  await page.getByText("Edit message").waitFor();
  await look("a message is changed", anna);
  await page.locator(".composer").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Emoji", exact: true }).click();
  await page.getByRole("group", { name: "Emoji" }).waitFor();
  await look("emoji to choose from", anna);
  // Whatever lies over the button meanwhile.
  await page.getByRole("button", { name: "Emoji", exact: true }).dispatchEvent("click");
  await page.getByRole("group", { name: "Emoji" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Open picture: picture.png" }).click();
  await page.getByRole("dialog", { name: "picture.png" }).waitFor();
  await look("a picture", anna);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Save file: setup.exe" }).click();
  await page.getByRole("dialog", { name: "This may be a program" }).waitFor();
  await look("a program", anna);
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await anna.picks({ name: "harbour.jpg", mimeType: "image/jpeg", buffer: jpeg() }, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await page.getByText("Keep location and camera").waitFor();
  await look("files to be sent", anna);
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await anna.composer.fill("x".repeat(MESSAGE_BYTES - 100));
  await page.locator(".count-left").waitFor();
  await look("a message that is nearly too long", anna);
  await anna.composer.fill("x".repeat(MESSAGE_BYTES + 1));
  await page.getByText("1 too many").waitFor();
  await look("a message that is too long", anna);
  await anna.composer.fill("");

  // Who is blocked can't be written to; who blocks can't write.
  await bela.does({ action: "contacts", contact_action: "block", contact_username: name });
  await anna.say("This isn't taken");
  await page.locator(".failed").waitFor();
  await look("a message that was refused", anna);
  await bela.does({ action: "contacts", contact_action: "unblock", contact_username: name });
  await page.getByRole("button", { name: "Discard" }).click();
  await page.locator(".failed").waitFor({ state: "detached" });
  const header = page.locator(".chat header.bar");
  await header.getByRole("button", { name: "More" }).click();
  await page.getByRole("menu").waitFor();
  await look("a chat's menu", anna);
  await page.getByRole("menuitem", { name: "Files" }).click();
  await page.getByRole("dialog", { name: "Files" }).getByText("notes.txt").waitFor();
  await look("a chat's files", anna);
  await page.keyboard.press("Escape");
  await header.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Block" }).click();
  await page.getByRole("dialog", { name: "Block" }).waitFor();
  await look("block somebody?", anna);
  await page.getByRole("dialog").getByRole("button", { name: "Block" }).click();
  await page.getByText("You have blocked this person.").waitFor();
  await look("somebody who is blocked", anna);
  await page.locator(".composer").getByRole("button", { name: "Unblock" }).click();
  await anna.composer.waitFor();
}

/** What wasn't read, and what is further up. */
async function leafing(anna, bela, name, look) {
  const { page } = anna;
  await anna.composer.fill("A draft");
  await leave(anna);
  const write = (content) => bela.does({ action: "message", receiver: name, content });
  for (let n = 0; n < 40; n += 1) await write(`Message ${n}.`);
  const navigation = page.getByRole("navigation");
  await navigation.getByText("40 unread messages").waitFor({ state: "attached" });
  await navigation.getByText("Draft:").waitFor();
  await look("a list with something unread", anna);
  const search = page.getByRole("searchbox", { name: "Search" });
  await search.fill("no such thing");
  await navigation.getByText("Nothing found").waitFor();
  await look("nothing found", anna);
  await search.fill("");
  await anna.opens(/Béla/);
  await page.getByText("New messages").first().waitFor();
  await look("what is new", anna);
  await page.locator(".timeline-scroll").evaluate((box) => box.scrollBy(0, -1_500));
  await page.getByRole("button", { name: "Jump to newest" }).waitFor();
  await write("And one more.");
  await page.getByText("1 new message").first().waitFor();
  await look("further up", anna);
  await page.getByRole("button", { name: "Jump to newest" }).click();
  await anna.sees("And one more.");
  await anna.composer.fill("");
}

async function settings({ server, anna }, name, friend, look) {
  const { page } = anna;
  const main = page.getByRole("main");
  const other = await Line.open(server);
  await other.does({ action: "login", username: name, password: PASSWORD });
  await other.does({ action: "contacts", contact_action: "block", contact_username: friend });
  await leave(anna);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText("This device ·").waitFor();
  await main.getByRole("button", { name: "Unblock" }).waitFor();
  await look("settings", anna);
  await page.getByText("About this server’s certificate").click();
  await look("the end of the settings", anna);
  await main.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  await look("something was saved", anna);
  await main.getByRole("button", { name: "Change password" }).click();
  const password = page.getByRole("dialog", { name: "Change password" });
  await password.waitFor();
  await look("another password", anna);
  await password.getByRole("button", { name: "Change password" }).click();
  await password.getByText("Type your password").waitFor();
  await look("no password", anna);
  await password.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Log out", { exact: true }).last().click();
  await page.getByRole("dialog", { name: "Log out" }).waitFor();
  await look("log out?", anna);
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await main.getByRole("button", { name: "Unblock" }).click();
  await page.getByText("Nobody is blocked.").waitFor();
  other.close();
}

async function away({ server, anna }, look) {
  const { page } = anna;
  await leave(anna);
  await anna.opens(/Béla/);
  await server.stop();
  await page.getByText("No connection. What you write is sent later.").waitFor();
  await anna.say("For later");
  await anna.message("For later").locator('[data-tick="waiting"]').waitFor();
  await look("no connection", anna);
  await server.restart();
  await anna.message("For later").locator('[data-tick="stored"], [data-tick="delivered"], [data-tick="read"]').waitFor();
}

async function loggedOut({ server, anna }, name, look) {
  const line = await Line.open(server);
  const { device } = await line.does({ action: "login", username: name, password: PASSWORD });
  const { sessions } = await line.does({ action: "sessions", session_action: "list" });
  for (const session of sessions.filter((session) => session.device !== device)) {
    await line.does({ action: "sessions", session_action: "revoke", device: session.device });
  }
  await anna.page.getByText("You were logged out here").waitFor();
  await look("logged out from elsewhere", anna);
  line.close();
}

/** Leaves a chat: for the list, or where that is beside everything else anyway, for the settings. */
async function leave(device) {
  if (device.page.viewportSize().width <= PHONE.width) {
    await device.back();
  } else {
    await device.page.getByRole("button", { name: "Settings" }).click();
  }
}
