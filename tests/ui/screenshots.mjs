// Takes pictures of the main screens: on a phone, a tablet and a desk, light and dark. Run by `cargo xtask screenshots`.

import { join } from "node:path";

import { Browser, DESKTOP, jpeg, PHONE, Server, TABLET } from "./support.mjs";

const INTO = process.env.KITH_SCREENSHOTS ?? ".";
const SIZES = { phone: PHONE, desktop: DESKTOP };

const server = await Server.start();
const browser = await Browser.launch(server);

async function take(device, name, sizes = SIZES) {
  const { page } = device;
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: join(INTO, `${name}-${size}-${colorScheme}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
}

try {
  const anna = await (await browser.device(DESKTOP)).open(server.url);
  await anna.page.getByRole("button", { name: "Create account" }).waitFor();
  await take(anna, "join");
  await anna.page.setViewportSize(DESKTOP);
  await anna.register("anna");

  const others = {};
  for (const name of ["bela", "chiara", "david"]) {
    others[name] = await (await browser.device(DESKTOP)).open(server.url);
    await others[name].register(name);
  }
  await others.chiara.add("anna");
  await others.chiara.say("The photos are ready 📷");
  await others.david.add("anna");
  await others.david.say("See you at eight!");
  await others.david.say("I'll bring **the guitar**");

  const bela = others.bela;
  await anna.add("bela");
  await anna.say("Hey Béla, did the move go well?");
  await bela.opens(/anna/);
  await bela.sees("did the move go well");
  await bela.say("Yes! Everything is in, even the piano.");
  await bela.say("🎉🎉");
  await bela.say("The new address:\n> Rosenweg 12\n> 8050 Zürich");
  await anna.sees("Rosenweg");
  await anna.say("Lovely. Here is how the Wi-Fi is set up:\n```\nssid = rosenweg\nkey  = (on paper)\n```");
  const tools = (device, text) => device.message(text).getByRole("button", { name: "More", exact: true });
  await tools(anna, "even the piano").click();
  await anna.page.getByRole("menuitem", { name: "React ❤️" }).click();
  await tools(bela, "Wi-Fi").click();
  await bela.page.getByRole("menuitem", { name: "Reply" }).click();
  await bela.say("Perfect, thank you – more at https://kith.example/house");
  await anna.sees("Perfect, thank you");
  await anna.composer.fill("On Saturday we could");
  await bela.composer.pressSequentially("And", { delay: 30 });
  await anna.page.getByText("bela is typing").waitFor();
  await take(anna, "chat", { ...SIZES, tablet: TABLET });
  await anna.page.setViewportSize(DESKTOP);
  await bela.sends(
    { name: "harbour.jpg", mimeType: "image/jpeg", buffer: jpeg() },
    { name: "the piano.flac", mimeType: "audio/flac", buffer: Buffer.concat([Buffer.from("fLaC"), Buffer.alloc(9_400_000)]) },
    { name: "contract.pdf", mimeType: "application/pdf", buffer: Buffer.concat([Buffer.from("%PDF-1.7"), Buffer.alloc(240_000)]) },
  );
  await anna.page.locator(".frame img").waitFor();
  await anna.page.getByText("the piano.flac").first().waitFor();
  await anna.page.getByText("contract.pdf").first().waitFor();
  await anna.picks({ name: "me.jpg", mimeType: "image/jpeg", buffer: jpeg() });
  await take(anna, "send");
  await anna.page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await take(anna, "files");
  await anna.page.setViewportSize(PHONE);
  await anna.back();
  await take(anna, "list", { phone: PHONE });
  await anna.page.setViewportSize(DESKTOP);
  await anna.page.getByRole("button", { name: "Settings" }).click();
  await anna.page.getByText("This device ·").waitFor();
  await take(anna, "settings");
} finally {
  await browser.close();
  await server.end();
}
