// Lighthouse on the web app, on a phone as its mobile preset has one, and how soon one can type there. Run by
// `cargo xtask measure-app`, on a quiet machine. It judges nothing; docs/PERFORMANCE.md does.

import { writeFileSync } from "node:fs";

import lighthouse, { generateReport } from "lighthouse";
import { throttling } from "lighthouse/core/config/constants.js";

import { Browser, Line, PHONE, Server } from "../support.mjs";

const RUNS = 3;

/** Where the report goes that people read. */
const REPORT = process.env.KITH_REPORT;

/** The slow line and the slow phone of the mobile preset, as Lighthouse applies them to a real load. */
const SLOW = throttling.mobileSlow4G;
const NETWORK = {
  offline: false,
  latency: SLOW.requestLatencyMs,
  downloadThroughput: (SLOW.downloadThroughputKbps * 1024) / 8,
  uploadThroughput: (SLOW.uploadThroughputKbps * 1024) / 8,
};

const server = await Server.start();
const browser = await Browser.launch(server);

function say(what, value) {
  console.log(`${what.padEnd(64)} ${value}`);
}

function middle(values, of = (value) => value) {
  const sorted = [...values].sort((a, b) => of(a) - of(b));
  return sorted[Math.floor(sorted.length / 2)];
}

/** A load of the page as the preset has it, with nothing cached, until `there` is. In milliseconds. */
async function load(device, there) {
  const { page, context } = device;
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.clearBrowserCache");
  await session.send("Storage.clearDataForOrigin", { origin: server.url, storageTypes: "service_workers,cache_storage" });
  await session.send("Network.emulateNetworkConditions", NETWORK);
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOW.cpuSlowdownMultiplier });
  const began = Date.now();
  await page.goto(server.url, { waitUntil: "commit" });
  await there(page);
  const took = Date.now() - began;
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await session.detach();
  return took;
}

try {
  const { device, port } = await browser.debugged();
  const options = { port, logLevel: "error", onlyCategories: ["performance", "accessibility", "best-practices"] };
  const results = [];
  for (let run = 0; run < RUNS; run += 1) results.push((await lighthouse(server.url, options)).lhr);
  await device.close();
  const lhr = middle(results, ({ categories }) => categories.performance.score);
  for (const { title, score } of Object.values(lhr.categories)) say(`Lighthouse ${lhr.lighthouseVersion}, mobile: ${title}`, Math.round(score * 100));
  for (const id of ["first-contentful-paint", "largest-contentful-paint", "interactive", "total-blocking-time", "cumulative-layout-shift", "speed-index"]) {
    say(lhr.audits[id].title, lhr.audits[id].displayValue);
  }
  for (const { auditRefs } of Object.values(lhr.categories)) {
    for (const { id, weight } of auditRefs) {
      const { score, title, displayValue } = lhr.audits[id];
      if (weight > 0 && score !== null && score < 0.9) say(`below 90: ${title}`, displayValue ?? score);
    }
  }
  if (REPORT) writeFileSync(REPORT, generateReport(lhr, "html"));

  const first = [];
  for (let run = 0; run < RUNS; run += 1) {
    const phone = await browser.device(PHONE);
    first.push(await load(phone, (page) => page.getByLabel("User name").fill("anna")));
    await phone.close();
  }
  say("cold, slow 4G, CPU 4 times slower: the first field takes a name, ms", middle(first));

  const anna = await (await browser.device(PHONE)).open(server.url);
  await anna.register("anna");
  const bela = await Line.person(server, "bela");
  await bela.does({ action: "message", receiver: "anna", content: "hello" });
  await anna.opens(/bela/);
  const composer = [];
  for (let run = 0; run < RUNS; run += 1) {
    const there = async () => {
      await anna.opens(/bela/);
      await anna.composer.fill(`typed ${run}`);
    };
    composer.push(await load(anna, there));
  }
  say("the same, logged in: the composer takes a text, ms", middle(composer));
  bela.close();
} finally {
  await browser.close();
  await server.end();
}
