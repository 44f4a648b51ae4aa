// Starts the app. `cargo xtask web` puts what wasm-bindgen made in the place of the two `kith` modules.
import start from "kith";
import wasm from "kith-wasm";

await start({ module_or_path: wasm });

// Without a certificate that the browser trusts there is none, and the app does without.
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/sw.js").catch(() => {});
}
