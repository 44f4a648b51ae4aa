// Measures the app in Chromium: how soon it opens, scrolls and shows what somebody writes. Run by `cargo xtask measure-app`, on a
// quiet machine. It judges nothing; docs/PERFORMANCE.md does.

import { Browser, DESKTOP, Line, PASSWORD, PHONE, Server } from "./support.mjs";

const STORED = Number(process.env.KITH_STORED ?? 100_000);
const SCROLLED = 10_000;
const SLOWER = 4;
const SENT = 60;

const server = await Server.start({ environment: { KITH_LIMITS__MESSAGES_PER_SESSION: "{burst=1000000,per_minute=1000000}" } });
const browser = await Browser.launch(server);

function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

function say(what, value) {
  console.log(`${what.padEnd(64)} ${value}`);
}

/** Milliseconds in the page from a click on a conversation until its newest message is drawn. */
function timeToOpen(page, name, text) {
  return page.evaluate(
    ([name, text]) =>
      new Promise((resolve) => {
        const line = [...document.querySelectorAll("nav .row")].find((row) => row.textContent.includes(name));
        const began = performance.now();
        const look = () => {
          const all = document.querySelectorAll("article.message");
          if (all.length && all[all.length - 1].textContent.includes(text)) {
            requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
          } else requestAnimationFrame(look);
        };
        line.click();
        look();
      }),
    [name, text],
  );
}

try {
  const anna = await (await browser.device(DESKTOP)).open(server.url);
  await anna.register("anna");
  const bela = await (await browser.device(DESKTOP)).open(server.url);
  await bela.register("bela");
  await anna.add("bela");
  await anna.say("first");
  await bela.opens(/anna/);
  await bela.sees("first");

  // Typed in one browser, seen in the other.
  const latencies = [];
  for (let number = 0; number < SENT; number += 1) {
    const text = `number ${number}.`;
    const seen = bela.page.evaluate(
      (text) =>
        new Promise((resolve) => {
          const look = () => {
            const all = document.querySelectorAll("article.message");
            if (all[all.length - 1]?.textContent.includes(text)) resolve(Date.now());
            else setTimeout(look, 1);
          };
          look();
        }),
      text,
    );
    await anna.composer.fill(text);
    await anna.page.evaluate(() => {
      addEventListener("keydown", () => (window.pressed = Date.now()), { capture: true, once: true });
    });
    await anna.composer.press("Enter");
    const pressed = await anna.page.evaluate(() => window.pressed);
    latencies.push((await seen) - pressed);
  }
  say("typed in one browser, seen in the other: p50, ms", percentile(latencies, 0.5));
  say("p95, ms", percentile(latencies, 0.95));

  // A long conversation.
  const line = await Line.open(server);
  await line.ask({ action: "register", username: "chiara", password: PASSWORD });
  await line.ask({ action: "login", username: "chiara", password: PASSWORD });
  for (let sent = 0; sent < STORED; ) {
    const some = [];
    for (let n = 0; n < 500 && sent < STORED; n += 1, sent += 1) {
      const content = `Message ${sent}: ${"some words of a usual length ".repeat((sent % 5) + 1)}`;
      some.push(line.ask({ action: "message", receiver: "anna", content }));
    }
    const failed = (await Promise.all(some)).find((reply) => reply.status !== "ok");
    if (failed) throw new Error(JSON.stringify(failed));
  }
  line.close();
  await anna.page.getByRole("navigation").getByRole("button", { name: /chiara/ }).waitFor();
  await anna.page.getByRole("navigation").getByText(`Message ${STORED - 1}:`).waitFor();
  const opened = [];
  for (let n = 0; n < 9; n += 1) {
    opened.push(await timeToOpen(anna.page, "chiara", `Message ${STORED - 1}:`));
    await timeToOpen(anna.page, "bela", `number ${SENT - 1}.`);
  }
  say(`a conversation of ${STORED} messages opens: median, ms`, Math.round(percentile(opened, 0.5)));
  say("longest, ms", Math.round(Math.max(...opened)));

  // Scrolling up through it on a slower machine.
  await timeToOpen(anna.page, "chiara", `Message ${STORED - 1}:`);
  const session = await anna.context.newCDPSession(anna.page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  const scrolled = await anna.page.evaluate(async ([wanted, stored]) => {
    const tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
      type: "longtask",
    });
    const box = document.querySelector(".timeline-scroll");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const began = performance.now();
    let loaded = 0;
    let most = 0;
    while (loaded < wanted && performance.now() - began < 240_000) {
      box.scrollBy(0, -600);
      await frame();
      most = Math.max(most, document.querySelectorAll("article.message").length);
      const top = /Message (\d+):/.exec(document.querySelector("article.message")?.textContent ?? "");
      if (top) loaded = Math.max(loaded, stored - Number(top[1]));
    }
    return { loaded, seconds: (performance.now() - began) / 1000, longest: Math.max(0, ...tasks), over: tasks.filter((t) => t > 100).length, count: tasks.length, most };
  }, [SCROLLED, STORED]);
  say(`scrolled up through ${scrolled.loaded} messages, ${SLOWER} times slower: longest task, ms`, Math.round(scrolled.longest));
  say("tasks over 50 ms; over 100 ms", `${scrolled.count}; ${scrolled.over}`);
  say("most messages in the page at a time; seconds", `${scrolled.most}; ${scrolled.seconds.toFixed(1)}`);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });

  // From nothing to the first field, on a phone.
  const cold = [];
  for (let n = 0; n < 5; n += 1) {
    const phone = await browser.device(PHONE);
    const began = Date.now();
    await phone.open(server.url);
    await phone.page.getByLabel("User name").waitFor();
    cold.push(Date.now() - began);
    await phone.close();
  }
  say("from nothing to the first field: median, ms", percentile(cold, 0.5));
} finally {
  await browser.close();
  await server.end();
}
