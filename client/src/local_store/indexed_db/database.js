// Databases of a browser, for as long as they are needed (W3C, "Indexed Database API 3.0").
//
// The libraries that wrap it drop either a transaction's durability or the reason for which a browser ends one, which is the
// only word that it says when there is no room left.

/** Why something can't be done: `kind` is one of Rust's `StoreError`. */
export class Failure extends Error {
  constructor(kind, message = "") {
    super(message);
    this.kind = kind;
  }
}

/**
 * Calls a method of a database, whose input is a list as JSON, and at its end a file where there is one. It answers with JSON and
 * a file, or fails with a text: the kind, a space, and in words why. It is done to its end, whether or not anybody waits for it.
 */
export async function call(database, method, input, file) {
  try {
    const answer = await database[method](...(JSON.parse(input) ?? []), file);
    return [answer?.json ?? "null", answer?.file];
  } catch (error) {
    throw `${kind(error)} ${error.message}`;
  }
}

/** What a method answers. */
export function answer(value, file) {
  return { json: JSON.stringify(value), file };
}

/** The same of a list whose elements are JSON: it isn't read here, where its numbers would be rounded. */
export function answers(texts) {
  return { json: `[${texts.join()}]` };
}

/**
 * A database that is opened again where the browser has closed it: some do so with pages in the background, and all when a
 * person clears what is stored.
 */
export class Database {
  #name;
  #version;
  #upgrade;
  /** None before it is opened, and while the browser has closed it. */
  #raw;
  #opening;
  #isLetGo = false;

  /** `upgrade(raw, before)` brings one to this version from an older one, or from 0. */
  constructor(name, version, upgrade) {
    this.#name = name;
    this.#version = version;
    this.#upgrade = upgrade;
  }

  /** Opens it, and makes it if there is none. */
  open() {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Lets go of it for good: what is under way is still done. */
  letGo() {
    this.#isLetGo = true;
    this.#raw?.close();
    this.#raw = undefined;
  }

  /** Deletes it. Where a page that sleeps still has it open, it goes when that page wakes. */
  async delete() {
    this.letGo();
    const request = indexedDB.deleteDatabase(this.#name);
    await new Promise((resolve) => {
      request.onsuccess = request.onerror = request.onblocked = resolve;
    });
  }

  /** Another one of the same name, whatever has become of this one. */
  again() {
    return new Database(this.#name, this.#version, this.#upgrade);
  }

  /** Reads. As with `write`, `work` gets the stores by their names and waits for nothing but their requests. */
  async read(names, work) {
    return work(stores(await this.#begin(names, "readonly"), names));
  }

  /**
   * Changes what belongs together, all of it or nothing, and waits until it is done and kept: "strict", so that it survives a
   * power cut, or "relaxed", so that it survives the end of the browser. Whoever writes to one of the same stores waits until
   * this has ended.
   */
  async write(names, durability, work) {
    const transaction = await this.#begin(names, "readwrite", durability);
    const kept = new Promise((resolve) => {
      transaction.oncomplete = () => resolve(true);
      transaction.onabort = () => resolve(false);
    });
    let result;
    try {
      result = await work(stores(transaction, names));
    } catch (error) {
      // Why the browser has ended it says more than that it did. If it hasn't, this is to change nothing.
      const reason = transaction.error ?? error;
      try {
        transaction.abort();
      } catch {
        // It had ended.
      }
      throw reason;
    }
    if (!(await kept)) {
      throw transaction.error ?? new Failure("device", "the browser has ended it");
    }
    return result;
  }

  async #open() {
    const raw = await opened(this.#name, this.#version, this.#upgrade);
    if (this.#isLetGo) {
      raw.close();
      throw new Failure("closed");
    }
    // Another page deletes it or makes a newer version of it, and waits until this one lets go.
    raw.onversionchange = () => this.letGo();
    raw.onclose = () => this.#lost(raw);
    this.#raw = raw;
  }

  #lost(raw) {
    if (this.#raw === raw) this.#raw = undefined;
  }

  /** A transaction, begun before anything else is waited for where the database is open: so they stay in order. */
  async #begin(names, mode, durability) {
    if (!this.#raw && !this.#isLetGo) await this.open();
    const raw = this.#raw;
    if (!raw) throw new Failure("closed");
    try {
      return raw.transaction(names, mode, { durability });
    } catch (error) {
      // Not every browser says so when it closes one.
      this.#lost(raw);
      raw.close();
      throw error;
    }
  }
}

/** Waits for a request's answer. */
export function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** All keys from one up to another, both included. */
export function between(first, last) {
  return IDBKeyRange.bound(first, last);
}

/** What comes behind all numbers and texts in the order of keys. */
export const LAST = [];

/**
 * Whether the browser keeps blobs. WebKit's private windows refuse them, and may hang up the transaction in which they do: so a
 * database is asked that nothing else is in.
 */
export function keepsBlobs() {
  return (areKept ??= (async () => {
    const raw = await opened("blobs", 1, (raw) => raw.createObjectStore("blobs"));
    try {
      await asked(raw.transaction("blobs", "readwrite").objectStore("blobs").put(new Blob(["?"]), 1));
      return true;
    } catch {
      return false;
    } finally {
      raw.close();
      indexedDB.deleteDatabase("blobs");
    }
  })());
}

let areKept;

/** Which of Rust's errors an exception is. */
export function kind(error) {
  if (error instanceof Failure) return error.kind;
  switch (error.name) {
    case "QuotaExceededError":
      return "no_space";
    // The browser has closed it.
    case "InvalidStateError":
      return "closed";
    // A row is there although it shouldn't be, or a store isn't, or what a row holds isn't JSON.
    case "ConstraintError":
    case "DataError":
    case "NotFoundError":
    case "SyntaxError":
      return "damaged";
    default:
      return "device";
  }
}

function stores(transaction, names) {
  return Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)]));
}

async function opened(name, version, upgrade) {
  try {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, oldVersion);
    return await asked(request);
  } catch (error) {
    if (error.name === "VersionError") throw new Failure("newer", `${version + 1} ${name}`);
    if (error.name === "QuotaExceededError") throw error;
    throw new Failure("unavailable", error.message);
  }
}
