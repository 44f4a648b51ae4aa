// Keeps the shell of the app, so that it opens at once and offline. Messages are not its business.
//
// `cargo xtask web` puts in what this build consists of: KITH_ASSETS, the addresses of the hashed files, and KITH_VERSION,
// which differs whenever anything of it does. Another build is thus another service worker, and the browser updates it.

const SHELL = `kith ${KITH_VERSION}`;

/** What the page shows before the app is there, and what it says of itself: not hashed, and asked for first. */
const BESIDE = ["/icons/icon.svg", "/manifest.webmanifest"];

/** How long the network may take for the page before the one that is kept is shown, in milliseconds. */
const PATIENCE = 3000;

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && isPage(pathname)) {
    event.respondWith(newest(request, "/"));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(asset(request));
  } else if (BESIDE.includes(pathname)) {
    event.respondWith(newest(request, pathname));
  }
});

async function keep() {
  const cache = await caches.open(SHELL);
  const asked = ["/", ...BESIDE].map((address) => new Request(address, { cache: "no-cache" }));
  await cache.addAll([...asked, ...KITH_ASSETS]);
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name)));
}

/** Whether the app answers for this path, and not the server or the file system. */
function isPage(pathname) {
  return !pathname.includes(".") && !pathname.startsWith("/files/");
}

/** The newest there is; what is kept, under another address perhaps, belongs together with the files that are kept. */
async function newest(request, address) {
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (response.ok) return response;
  } catch {
    // Offline, or as good as.
  }
  return (await caches.match(address)) ?? fetch(request);
}

/** A file whose name says what is in it is good for ever. */
async function asset(request) {
  return (await caches.match(request)) ?? fetch(request);
}
