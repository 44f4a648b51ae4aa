// Fetches the app and starts it. The page may run no script of its own (Content-Security-Policy), so this is a file.
import start from "{{script}}";

start({ module_or_path: "{{wasm}}" }).catch((error) => {
  const trouble = document.getElementById("trouble");
  if (trouble) {
    trouble.textContent = `Kith can't start in this browser: ${error.message}`;
    trouble.hidden = false;
  }
  console.error(error);
});

if ("serviceWorker" in navigator) {
  // It fails where the certificate isn't trusted by itself; the app then works, and only while the server is reached.
  navigator.serviceWorker.register("/sw.js").catch((error) => console.info(`not installable: ${error.message}`));
}
