// The local store of an account: the copy, and the outbox, of which what can't be read stays and is passed over.
import { Database, Failure, LAST, answer, answers, asked, between, keepsBlobs, kind } from "./database.js";

/**
 * The version of the database. What an older one held of the copy is thrown away; its outbox has to be brought up to this
 * one.
 */
const VERSION = 1;

/** The stores of the copy. */
const COPY = ["logs", "events", "effects", "marks", "profiles", "rest"];
/** The stores of the outbox. */
const OUTBOX = ["items", "files", "reads", "counter"];

/** What an item is looked for by: 1 is to be sent, 2 to be transferred or called off. Rows without it aren't in the index. */
const DUE = { waiting: 1, transfer: 2, cancelled: 2 };

/** Most bytes of a file of which the browser keeps no blob, so that all of it is in memory. */
const PRIVATE = 256 * 1024 * 1024;

/** Rows that are looked at together for the next one to be sent. */
const AT_ONCE = 50;

function upgrade(raw, before) {
  if (before === 0) {
    const items = raw.createObjectStore("items", { keyPath: "id" });
    items.createIndex("client_id", "client_id", { unique: true });
    // Items that are to be sent, in order.
    items.createIndex("waiting", ["waiting", "id"], { unique: true });
    raw.createObjectStore("files");
    raw.createObjectStore("reads", { keyPath: "log" });
    raw.createObjectStore("counter");
  }
  // The copy is made anew: what it held can be fetched.
  for (const name of COPY) {
    if (raw.objectStoreNames.contains(name)) raw.deleteObjectStore(name);
  }
  raw.createObjectStore("logs", { keyPath: "log" });
  // Rows without the first field of an index aren't in it.
  const events = raw.createObjectStore("events", { keyPath: ["log", "number"] });
  // Messages and files.
  events.createIndex("base", ["base", "number"], { unique: true });
  // Those that weren't erased, by their sender.
  events.createIndex("sent", ["sent", "sender", "number"], { unique: true });
  // Those that were.
  events.createIndex("erased", ["erased", "number"], { unique: true });
  // Events that act on another one; once more, so that those of a page come at once.
  const effects = raw.createObjectStore("effects", { keyPath: ["log", "target", "number"] });
  effects.createIndex("acting", ["log", "number"]);
  raw.createObjectStore("marks", { keyPath: ["conversation", "username"] });
  raw.createObjectStore("profiles", { keyPath: "username" });
  raw.createObjectStore("rest");
}

/** The store of this name, which is still to be opened. */
export function store(name) {
  return new Store(name, VERSION, upgrade);
}

/** Its methods are those of Rust's `LocalStore`. */
class Store extends Database {
  load() {
    return this.read(["logs", "marks", "profiles", "rest"], async (stores) => {
      const [logs, marks, profiles, since] = await Promise.all([
        asked(stores.logs.getAll()),
        asked(stores.marks.getAll()),
        asked(stores.profiles.getAll()),
        asked(stores.rest.get("since")),
      ]);
      return answer({ heads: logs.map((row) => [row.log, row]), marks, profiles, since: since ?? 0 });
    });
  }

  commit({ logs, marks, profiles, since }) {
    // What isn't safely on the disk after a power cut is fetched again.
    return this.write(COPY, "relaxed", async (stores) => {
      for (const change of logs) {
        const found = await asked(stores.logs.get(change.log));
        if (head(found) !== head(change.before)) throw new Failure("changed");
        await changeLog(stores, change);
      }
      for (const mark of marks) {
        const held = await asked(stores.marks.get([mark.conversation, mark.username]));
        // Another page may have seen more of a mark; it never goes back.
        mark.delivered = Math.max(mark.delivered, held?.delivered ?? 0);
        mark.read = Math.max(mark.read, held?.read ?? 0);
        stores.marks.put(mark);
      }
      for (const person of profiles) stores.profiles.put(person);
      if (since !== null) stores.rest.put(whole(since), "since");
    });
  }

  eventsAfter(log, number, isBase, limit) {
    return this.read(["events"], async ({ events }) => {
      const range = between([log, whole(number + 1)], [log, LAST]);
      const rows = await asked(ordered(events, isBase).getAll(range, limit));
      return answers(rows.map((row) => row.event));
    });
  }

  eventsBefore(log, number, isBase, limit) {
    return this.read(["events"], async ({ events }) => {
      const source = ordered(events, isBase);
      let found = [];
      let before = number;
      let width = limit;
      // Browsers read many rows at once only forwards. So it is looked where the newest one stands, and what is around it is
      // read, wider and wider where little is.
      while (found.length < limit && before > 0) {
        const below = between([log, 0], [log, whole(before - 1)]);
        const cursor = await asked(source.openKeyCursor(below, "prev"));
        if (!cursor) break;
        const newest = cursor.key[1];
        const oldest = Math.max(0, newest + 1 - width);
        const rows = await asked(source.getAll(between([log, oldest], [log, newest])));
        found = rows.concat(found);
        before = oldest;
        width *= 2;
      }
      const many = Math.max(0, found.length - limit);
      return answers(found.slice(many).map((row) => row.event));
    });
  }

  effects(log, first, last) {
    if (first > last) return answers([]);
    return this.read(["effects"], async ({ effects }) => {
      const range = between([log, whole(first)], [log, whole(last), LAST]);
      const rows = await asked(effects.getAll(range));
      rows.sort((one, other) => one.number - other.number || one.target - other.target);
      return answers(rows.map((row) => `[${row.target},${row.event}]`));
    });
  }

  unread(log, above, me) {
    return this.read(["events"], async ({ events }) => {
      const count = (index, ...start) => {
        const range = between([...start, whole(above + 1)], [...start, LAST]);
        return asked(events.index(index).count(range));
      };
      // All three are under way at once.
      const counts = [count("base", log), count("sent", log, me), count("erased", log)];
      const [all, own, erased] = await Promise.all(counts);
      return answer(Math.max(0, all - own - erased));
    });
  }

  rebuild() {
    return this.write(COPY, "relaxed", clear);
  }

  async wipe() {
    try {
      await empty(this);
    } catch (error) {
      if (kind(error) !== "closed") throw error;
      // Another page has deleted it meanwhile. Whether it has done so already, nobody tells.
      const again = this.again();
      try {
        await empty(again);
      } finally {
        again.letGo();
      }
    }
    await this.delete();
  }

  async add(most, item, file) {
    if (!(file instanceof Blob) || (await keepsBlobs())) return this.#add(most, item, file);
    if (file.size > PRIVATE) throw new Failure("device", "a private window keeps no file of this size");
    return this.#add(most, item, new Uint8Array(await file.arrayBuffer()));
  }

  #add(most, item, file) {
    // A person was told that it is safe.
    return this.write(["items", "files", "counter"], "strict", async ({ items, files, counter }) => {
      if ((await asked(items.count())) >= most) throw new Failure("full");
      // Browsers could count by themselves, but don't agree on how an index sees such a number.
      const id = ((await asked(counter.get("last"))) ?? 0) + 1;
      counter.put(id, "last");
      const row = { ...item, id, waiting: DUE[item.state] };
      if (file) {
        // Of a blob, or of an array.
        row.size = file.size ?? file.length;
        files.put(file, id);
      }
      items.add(row);
      return answer(id);
    });
  }

  outbox() {
    return this.read(["items"], async ({ items }) => answer(await asked(items.getAll())));
  }

  /** The first item from this place on that waits and whose lane isn't busy: its place, its row, its file. */
  next(place, busy) {
    return this.read(["items", "files"], async ({ items, files }) => {
      for (let first = place; ; ) {
        const range = between([DUE.waiting, first], [DUE.waiting, LAST]);
        const rows = await asked(items.index("waiting").getAll(range, AT_ONCE));
        if (rows.length === 0) return answer(null);
        const row = rows.find(({ lane }) => !busy.includes(lane));
        if (row) return answer([row.id, row], await asked(files.get(row.id)));
        first = rows.at(-1).id + 1;
      }
    });
  }

  transfers() {
    return this.read(["items"], async ({ items }) =>
      answer(await asked(items.index("waiting").getAll(between([2, 0], [2, LAST])))),
    );
  }

  /** An item's row and the bytes of its file. */
  whole(id) {
    return this.read(["items", "files"], async ({ items, files }) => {
      const row = await asked(items.get(id));
      const file = row && (await asked(files.get(id)));
      const isKeptAsBytes = row?.transfer && file instanceof Uint8Array;
      return answer(row ?? null, isKeptAsBytes ? new Blob([file]) : file);
    });
  }

  item(id) {
    return this.read(["items"], async ({ items }) => answer((await asked(items.get(id))) ?? null));
  }

  /** `change` holds the fields that are new. */
  update(id, change) {
    // What was sent already is sent once more after a power cut, and takes effect once.
    return this.write(["items"], "relaxed", async ({ items }) => {
      const held = await asked(items.get(id));
      if (!held) return answer(false);
      Object.assign(held, change);
      held.waiting = DUE[held.state];
      if (!held.waiting) delete held.waiting;
      items.put(held);
      return answer(true);
    });
  }

  remove(id) {
    return this.write(["items", "files"], "relaxed", async ({ items, files }) => {
      const isThere = (await asked(items.count(id))) > 0;
      items.delete(id);
      files.delete(id);
      return answer(isThere);
    });
  }

  wantRead(log, number) {
    return this.write(["reads"], "strict", async ({ reads }) => {
      const held = await asked(reads.get(log));
      reads.put({ log, number: Math.max(number, held?.number ?? 0) });
    });
  }

  wantedReads() {
    return this.read(["reads"], async ({ reads }) => {
      const rows = await asked(reads.getAll());
      return answer(rows.map((row) => [row.log, row.number]));
    });
  }

  readDone(log, number) {
    return this.write(["reads"], "relaxed", async ({ reads }) => {
      const held = await asked(reads.get(log));
      if (held?.number <= number) reads.delete(log);
    });
  }
}

async function changeLog(stores, { log, before, after, events, erase }) {
  stores.logs.put({ log, ...after });
  for (const { number, sender, base, erased, event, targets } of events) {
    const row = { log, number, sender, event };
    if (base) {
      row.base = log;
      row[erased ? "erased" : "sent"] = log;
    }
    stores.events.add(row);
    for (const target of targets) stores.effects.put({ log, target, number, event });
  }
  const acting = stores.effects.index("acting");
  for (const [number, sender] of erase) {
    const held = await asked(stores.events.get([log, number]));
    if (held?.sender !== sender) continue;
    held.event = JSON.stringify({ ...JSON.parse(held.event), body: null });
    if (held.base) {
      held.erased = log;
      delete held.sent;
    }
    stores.events.put(held);
    for (const effect of await asked(acting.getAll([log, number]))) {
      stores.effects.put({ ...effect, event: held.event });
    }
  }
  if (before?.oldest > 0 && before.oldest < after.oldest) {
    const forgotten = between([log, 0], [log, after.oldest - 1]);
    stores.events.delete(forgotten);
    for (const place of await asked(acting.getAllKeys(forgotten))) stores.effects.delete(place);
  }
}

/** A head as a text, so that two of them can be compared. */
function head(row) {
  return row ? JSON.stringify([row.members, row.first, row.oldest, row.newest]) : "";
}

/** Events in the order of their numbers, all of them or only messages and files. */
function ordered(events, isBase) {
  // The index of a store's own keys would be the store again.
  return isBase ? events.index("base") : events;
}

function empty(database) {
  return database.write([...COPY, ...OUTBOX], "strict", clear);
}

/** Removes every row. */
function clear(stores) {
  for (const store of Object.values(stores)) store.clear();
}

/** A number as it is in a key: none is greater than what can be told from the next one. */
function whole(number) {
  return Math.min(number, Number.MAX_SAFE_INTEGER);
}
