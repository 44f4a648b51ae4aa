// Clients that nobody here wrote: tus-js-client uploads, curl uploads and downloads.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { DefaultHttpStack, Upload } from "tus-js-client";

import { Line, PASSWORD, PATIENCE, Server } from "../support.mjs";

const MIB = 1024 * 1024;

let server;

before(async () => {
  server = await Server.start();
});
after(() => server.end());

/** A new connection of somebody who is registered on the way there. */
async function person(username) {
  const line = await Line.open(server);
  await line.ask({ action: "register", username, password: PASSWORD });
  const reply = await line.ask({ action: "login", username, password: PASSWORD });
  assert.equal(reply.status, "ok");
  return line;
}

/** Uploads with tus-js-client until it is done, fails, or `stop` says to break off, which it does for good. */
function upload(bytes, options, stop = () => false) {
  return new Promise((resolve, reject) => {
    const upload = new Upload(bytes, {
      httpStack: new DefaultHttpStack({ ca: readFileSync(server.ca) }),
      retryDelays: [0, 100, 500, 1000, 3000],
      onError: reject,
      onSuccess: () => resolve(upload.url),
      onProgress: (sent) => {
        if (stop(sent)) upload.abort().then(() => resolve(upload.url), reject);
      },
      ...options,
    });
    upload.start();
  });
}

function curl(...options) {
  const all = ["--silent", "--show-error", "--fail", "--cacert", server.ca, ...options];
  return execFileSync("curl", all, { encoding: "utf8", timeout: PATIENCE });
}

test("tus-js-client uploads over breaks and a restart, curl resumes the download", async () => {
  const bytes = randomBytes(24 * MIB + 5);
  let alice = await person("alice");
  const bob = await person("bob");
  const { ticket } = await alice.ask({ action: "upload" });
  const options = {
    endpoint: `${server.url}files`,
    headers: { Authorization: `Bearer ${ticket}` },
    metadata: { filename: "film.bin" },
  };
  // It breaks off in the middle of a request, and at the end of one.
  const url = await upload(bytes, options, (sent) => sent > 5 * MIB);
  await upload(bytes, { ...options, uploadUrl: url, chunkSize: 4 * MIB }, (sent) => sent > 12 * MIB);
  await server.stop();
  await server.restart();
  assert.equal(await upload(bytes, { ...options, uploadUrl: url }), url);

  alice = await person("alice");
  const id = url.slice(url.lastIndexOf("/") + 1);
  const sent = await alice.ask({ action: "file", receiver: "bob", file_name: "film.bin", upload: id });
  assert.equal(sent.status, "ok", JSON.stringify(sent));

  const reader = await person("bob");
  const way = await reader.ask({ action: "download", file: sent.file });
  const path = join(server.folder, "film.bin");
  const authorization = ["--header", `Authorization: Bearer ${way.ticket}`];
  writeFileSync(path, bytes.subarray(0, 7 * MIB + 1));
  curl(...authorization, "--continue-at", "-", "--output", path, server.url.slice(0, -1) + way.url);
  assert.ok(readFileSync(path).equals(bytes), "it is what was sent");
  curl("--output", path, server.url.slice(0, -1) + way.media_url);
  assert.ok(readFileSync(path).equals(bytes), "and so by its address alone");
  for (const line of [alice, bob, reader]) line.close();
});

test("tus-js-client doesn't know the size in advance, and gives an upload up", async () => {
  const alice = await person("carol");
  const { ticket } = await alice.ask({ action: "upload" });
  const options = { endpoint: `${server.url}files`, headers: { Authorization: `Bearer ${ticket}` } };
  const bytes = randomBytes(3 * MIB);
  const deferred = { ...options, uploadLengthDeferred: true, chunkSize: MIB };
  const id = (await upload(bytes, deferred)).split("/").pop();
  const begun = await alice.ask({ action: "upload", upload: id });
  assert.equal(begun.size, 3 * MIB);
  assert.equal(begun.hash.length, 64);

  const url = await upload(bytes, options, (sent) => sent > 0);
  await Upload.terminate(url, { httpStack: new DefaultHttpStack({ ca: readFileSync(server.ca) }), ...options });
  const gone = await alice.ask({ action: "upload", upload: url.split("/").pop() });
  assert.equal(gone.error.code, "not_found");
  alice.close();
});
