// A database of version 1 as it lies in people's browsers, with a row of each kind. What is written here never changes.

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function make(raw) {
  const items = raw.createObjectStore("items", { keyPath: "id" });
  items.createIndex("client_id", "client_id", { unique: true });
  items.createIndex("waiting", ["waiting", "id"], { unique: true });
  raw.createObjectStore("files");
  raw.createObjectStore("reads", { keyPath: "log" });
  raw.createObjectStore("counter");
  raw.createObjectStore("logs", { keyPath: "log" });
  const events = raw.createObjectStore("events", { keyPath: ["log", "number"] });
  events.createIndex("base", ["base", "number"], { unique: true });
  events.createIndex("sent", ["sent", "sender", "number"], { unique: true });
  events.createIndex("erased", ["erased", "number"], { unique: true });
  const effects = raw.createObjectStore("effects", { keyPath: ["log", "target", "number"] });
  effects.createIndex("acting", ["log", "number"]);
  raw.createObjectStore("marks", { keyPath: ["conversation", "username"] });
  raw.createObjectStore("profiles", { keyPath: "username" });
  raw.createObjectStore("rest");
}

const EVENTS = [
  `{"event":"message","conversation":"chat","number":1,"sender":"bob","device":7,"time":1700000000001,"client_id":"key 1","body":{"content":"text 1","n":9007199254740993}}`,
  `{"event":"message","conversation":"chat","number":2,"sender":"alice","device":7,"time":1700000000002,"client_id":"key 2","body":null}`,
  `{"event":"edit","conversation":"chat","number":3,"sender":"bob","device":7,"time":1700000000003,"client_id":"key 3","body":{"content":"text 3","target":1}}`,
];

const ROWS = [
  ["logs", { log: "chat", members: ["alice", "bob"], first: 1, oldest: 1, newest: 3 }],
  ["events", { log: "chat", number: 1, base: "chat", sent: "chat", sender: "bob", event: EVENTS[0] }],
  ["events", { log: "chat", number: 2, base: "chat", erased: "chat", sender: "alice", event: EVENTS[1] }],
  ["events", { log: "chat", number: 3, sender: "bob", event: EVENTS[2] }],
  ["effects", { log: "chat", target: 1, number: 3, event: EVENTS[2] }],
  ["marks", { conversation: "chat", username: "bob", delivered: 3, read: 2 }],
  ["profiles", { username: "bob", display_name: "Bob", about: "", avatar: "hash" }],
  ["rest", 77, "since"],
  // Of a version that nobody has: it is passed over, and stays.
  ["items", { id: 3, lane: "bob", client_id: "a", request: "{}", time: 1, waiting: 1, state: "unheard-of" }],
  ["items", { id: 4, lane: "bob", client_id: "b", request: "{}", size: 3, time: -5, waiting: 1, state: "waiting" }],
  [
    "items",
    { id: 5, lane: "bob", client_id: "c", request: "{}", time: 2, state: { sent: { log: "chat", number: 3 } } },
  ],
  ["files", new Uint8Array([0, 255, 7]), 4],
  ["reads", { log: "chat", number: 2 }],
  ["counter", 9, "last"],
];

/** Makes the database. */
export async function write_version_1(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => make(request.result);
  const raw = await asked(request);
  for (const [store, row, key] of ROWS) {
    await asked(raw.transaction(store, "readwrite").objectStore(store).put(row, key));
  }
  raw.close();
}

/** The rows of its stores as they lie there now, as JSON. */
export async function read_rows(name) {
  const raw = await asked(indexedDB.open(name));
  const found = {};
  for (const store of raw.objectStoreNames) {
    found[store] = await asked(raw.transaction(store).objectStore(store).getAll());
  }
  raw.close();
  return JSON.stringify(found);
}
