// node compress.mjs FOLDER QUALITY: beside each file that it makes smaller, one in brotli (.br) and one in gzip (.gz).
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const [folder, quality] = process.argv.slice(2);
const compressible = /\.(css|html|js|json|svg|txt|wasm|webmanifest)$/;

for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !compressible.test(entry.name)) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const bytes = await readFile(path);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: Number(quality),
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const variants = [
    [".br", await promisify(brotliCompress)(bytes, { params })],
    [".gz", await promisify(gzip)(bytes, { level: Math.min(Number(quality), 9) })],
  ];
  for (const [suffix, variant] of variants) {
    if (variant.length < bytes.length) await writeFile(path + suffix, variant);
  }
}
