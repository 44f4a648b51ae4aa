// The accounts of this device, and what a user interface remembers.
import { Database, LAST, answer, asked, between } from "../local_store/indexed_db/database.js";

const NAME = "kith";
const VERSION = 1;

function upgrade(raw) {
  raw.createObjectStore("accounts", { keyPath: "name" });
  raw.createObjectStore("settings", { keyPath: ["of", "key"] });
}

/** The database, which is still to be opened. */
export function accounts() {
  return new Accounts(NAME, VERSION, upgrade);
}

class Accounts extends Database {
  list() {
    return this.read(["accounts"], async ({ accounts }) => answer(await asked(accounts.getAll())));
  }

  /** Keeps an account by its name, or by the one that it has already, as the one used last. */
  add(row) {
    // It may refuse, and some browsers ask the person; nobody waits for the answer. Older ones don't have it.
    navigator.storage?.persist?.().catch(() => {});
    return this.write(["accounts"], "strict", async ({ accounts }) => {
      const all = await asked(accounts.getAll());
      const username = row.username.toLowerCase();
      const same = all.find(
        (held) => held.server === row.server && held.username.toLowerCase() === username,
      );
      const kept = { ...row, name: same?.name ?? row.name, used: next(all) };
      accounts.put(kept);
      return answer(kept);
    });
  }

  /** Notes that an account is the one used last. */
  use(name) {
    return this.write(["accounts"], "strict", async ({ accounts }) => {
      const all = await asked(accounts.getAll());
      const held = all.find((row) => row.name === name);
      if (held) accounts.put({ ...held, used: next(all) });
    });
  }

  /** Forgets a secret, if it is still this one. */
  forgetToken(name, token) {
    return this.write(["accounts"], "strict", async ({ accounts }) => {
      const held = await asked(accounts.get(name));
      if (held?.token !== token) return;
      delete held.token;
      accounts.put(held);
    });
  }

  remove(name) {
    return this.write(["accounts", "settings"], "strict", ({ accounts, settings }) => {
      accounts.delete(name);
      settings.delete(settingsOf(name));
    });
  }

  settings(of) {
    return this.read(["settings"], async ({ settings }) => {
      const rows = await asked(settings.getAll(settingsOf(of)));
      return answer(Object.fromEntries(rows.map((row) => [row.key, row.value])));
    });
  }

  setSetting(of, key, value) {
    // A draft is written often, and has to survive the end of the browser, not a power cut.
    return this.write(["settings"], "relaxed", ({ settings }) => {
      if (value === null) settings.delete([of, key]);
      else settings.put({ of, key, value });
    });
  }
}

function next(all) {
  return Math.max(0, ...all.map((row) => row.used)) + 1;
}

function settingsOf(name) {
  return between([name], [name, LAST]);
}
