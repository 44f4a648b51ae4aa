// Measures the desktop program: how soon its window shows something, and how much memory all of its processes take. Run by
// `cargo xtask measure-app`, on a quiet machine. It judges nothing; docs/PERFORMANCE.md does.

import { readdirSync, readFileSync } from "node:fs";

import { Screen, startApp } from "./screen.mjs";
import { Server, until } from "../support.mjs";

const STARTS = 6;
/** Colours of a window with text in it; one without has a few. */
const COLOURS = 40;
/** Milliseconds after which nothing is fetched or drawn any more. */
const SETTLED = 5_000;

/** A process and all that it has started, by their ids. */
function tree(root) {
  const children = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = [];
  const wanted = [root];
  while (wanted.length) {
    const pid = wanted.pop();
    found.push(pid);
    wanted.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** Kibibytes of memory: what is shared by several processes counts in parts (Linux, smaps_rollup, Pss). */
function memory(pid) {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    return [name, Number(pss?.[1] ?? 0)];
  } catch {
    return ["", 0];
  }
}

const server = await Server.start();
const screen = await Screen.start();

try {
  server.cli("bob", "register", "bob", "--server", server.link);
  server.cli("anna", "register", "anna", "--server", server.link);
  server.cli("anna", "contacts", "add", "bob");
  for (let n = 0; n < 50; n += 1) server.cli("anna", "send", "bob", `message ${n}`);
  const times = [];
  let kilobytes = [];
  for (let start = 0; start < STARTS; start += 1) {
    const began = performance.now();
    const app = startApp(screen, server, "anna");
    await until(() => {
      const window = screen.windows().pop();
      if (!window) throw new Error("there is none yet");
      const colours = Number(screen.run("import", "-window", window, "-format", "%k", "info:"));
      if (colours < COLOURS) throw new Error("it is empty yet");
      return window;
    });
    times.push(performance.now() - began);
    if (start + 1 === STARTS) {
      await new Promise((resolve) => setTimeout(resolve, SETTLED));
      kilobytes = tree(app.pid)
        .map(memory)
        .filter(([name]) => name && name !== "dbus-daemon" && name !== "dbus-run-sessio");
    }
    process.kill(-app.pid);
    await new Promise((resolve) => app.once("exit", resolve));
    // The next window is to be another one.
    await until(() => !screen.windows().length);
  }
  // The first start reads everything from the disk.
  const [cold, ...warm] = times.map(Math.round);
  warm.sort((a, b) => a - b);
  console.log(`desktop: a window with something in it: first, ms: ${cold}; then median, ms: ${warm[Math.floor(warm.length / 2)]} (${warm[0]} to ${warm.at(-1)})`);
  const sum = kilobytes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`desktop: memory of all its processes (PSS), MB: ${((sum * 1024) / 1e6).toFixed(0)}`);
  for (const [name, size] of kilobytes) console.log(`  ${name.padEnd(24)} ${((size * 1024) / 1e6).toFixed(0)}`);
} finally {
  screen.end();
  await server.end();
}
