// node snip.mjs MODULE: takes away what is inside functions that nothing ever calls, although a table of some library names them,
// and says how many those were. What only they call, wasm-opt takes away. Should one be called after all, the module stops there.
import { readFile, writeFile } from "node:fs/promises";

import binaryen from "binaryen";

/** By parts of their names, without the hashes of their crates. */
const NEVER_CALLED = [
  // anyhow's word on an error and where it came from: Dioxus logs it, and a release logs nothing.
  /^<anyhow::error::ErrorImpl>::debug|anyhow::fmt::Indented|rustc_demangle|backtrace_rs|backtrace::Backtrace/,
  // Where a key lies on a keyboard, all the names that keys have (`platform::key` knows a shorter way), what a whole form holds, files that are read as a whole: the app asks for none of these.
  /HasKeyboardData>::(code|key)$|HasFormData>::values$|NativeFileData>::(read_bytes|read_string|byte_stream)/,
  // Locks that somebody else holds: a page has one thread.
  /parking_lot::\w+::\w+>::\w+_slow$|parking_lot_core/,
  // Numbers with a fraction in texts: styles have `ui::px`.
  /^core::fmt::float::float_to_decimal/,
  // Angles of millions of turns.
  /rem_pio2_large$/,
];

const [path] = process.argv.slice(2);
// The names stay: wasm-opt decides about them.
binaryen.setDebugInfo(true);
const module = binaryen.readBinary(await readFile(path));
let snipped = 0;
for (let place = 0; place < module.getNumFunctions(); place += 1) {
  const found = module.getFunctionByIndex(place);
  const { name, module: from } = binaryen.getFunctionInfo(found);
  const plain = name.replaceAll(/\[[0-9a-f]{14,17}\]/g, "");
  if (from || !NEVER_CALLED.some((names) => names.test(plain))) continue;
  binaryen.Function.setBody(found, module.unreachable());
  if (process.env.KITH_NAMES) console.log(name);
  snipped += 1;
}
await writeFile(path, module.emitBinary());
console.log(`${snipped} functions that are never called are empty`);
