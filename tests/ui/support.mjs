// What the stories stand on: a real server with its own CA, browsers that trust that CA, and people in them.

import { after, before } from "node:test";

import { Browser } from "./support/browser.mjs";
import { PATIENCE } from "./support/constants.mjs";
import { Server } from "./support/server.mjs";

export { Browser, Device } from "./support/browser.mjs";
export * from "./support/constants.mjs";
export { Line } from "./support/line.mjs";
export { film, jpeg, PLACE, png } from "./support/picture.mjs";
export { Server } from "./support/server.mjs";

/** Looks again and again until something is there. What throws isn't there yet. */
export async function until(look) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    let error;
    try {
      const found = await look();
      if (found) return found;
    } catch (failed) {
      error = failed;
    }
    if (Date.now() > end) throw new Error("waited in vain", { cause: error });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A server and a browser for the stories of a file, from before the first to after the last. */
export function stage(settings) {
  const stage = {};
  before(async () => {
    stage.server = await Server.start(settings);
    stage.browser = await Browser.launch(stage.server);
  });
  after(async () => {
    await stage.browser?.close();
    await stage.server?.end();
  });
  return stage;
}
