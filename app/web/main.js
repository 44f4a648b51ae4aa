// Starts the app. `cargo xtask web` puts what wasm-bindgen made in the place of the two `kith` modules.
import start from "kith";
import wasm from "kith-wasm";

try {
  await start({ module_or_path: wasm });
} catch (error) {
  const trouble = document.getElementById("trouble");
  if (trouble) {
    trouble.textContent = `Kith can't start in this browser: ${error.message}`;
    trouble.hidden = false;
  }
  throw error;
} finally {
  // Afterwards, because it fetches all of this too, on a line that may be slow. Without a certificate that the browser trusts
  // there is none, and the app does without.
  if ("serviceWorker" in navigator) {
    navigator.serviceWorker.register("/sw.js").catch(() => {});
  }
}
