// Pictures for stories.

import { deflateSync } from "node:zlib";

/** A picture of one colour: PNG, 8 bits, RGB. */
export function png(width, height) {
  const crcs = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const crc = (bytes) => (bytes.reduce((c, b) => crcs[(c ^ b) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x99)]);
  const lines = Buffer.concat(Array(height).fill(line));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(lines)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A JPEG of 240 by 160 pixels, a sunset of sorts. */
const SUNSET = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAEMuMjoyKkM6NjpLR0NPZKZsZFxcZMySmnmm8dT++u3U6eX//////////+Xp////////////////////////////" +
  "2wBDAUdLS2RXZMRsbMT//+n/////////////////////////////////////////////////////////////////////wAARCACgAPADASIAAhEBAxEB/8QA" +
  "FwABAQEBAAAAAAAAAAAAAAAAAAEDAv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAYAQEBAQEBAAAAAAAAAAAAAAAAAQMEAv/EABQRAQAAAAAAAAAAAAAAAAAA" +
  "AAD/2gAMAwEAAhEDEQA/AOBFaMwAFEVFABRUAUAUAFURUAAVRFFAAFQRVAFAAURRWAD25lEUUAAVAVQBRUEFAFABVEUABFUQFUABUBVARQAGIitHMACqIqKA" +
  "AKgKoAoACiKigAqiKAAKKgiqAAAKoiisAHtzKIoAAoqAqgAKgiqAKAAoiigCKKgCgCioCqAgACsRFaOYAFURQAEUVAVQAABVEVFAAURRQAUVBBQBQAVRFBgA" +
  "0cyiKigAoqAKAKKgiqIoAAqiKKAICoCqAKKgCiKKAIrERWjmAAUQFUBFFQBQBQAVRFQABVEBVAAVAVQEUABRFFYANHMoiooAAqAqgCioIKIooAKoigACioIq" +
  "gAKgKoiigCDERWjmABVEBVAQFQFUAUABRFRQAVRAFAFFQFUBAAFURRWADRzKIqAAKKgKoACoIqiKKAAoiigAoqCCgCioCqIoACK//9k=",
  "base64",
);

/** Where the picture says it was taken. */
export const PLACE = "47.3769 N, 8.5417 E";

/** A photo as a phone takes it: turned by a quarter, and telling where. */
export function jpeg() {
  const short = (n) => [n >> 8, n & 255];
  const long = (n) => [0, 0, ...short(n)];
  const entries = [
    // A description, behind the directory.
    [...short(0x010e), ...short(2), ...long(PLACE.length), ...long(38)],
    // Which way is up.
    [...short(0x0112), ...short(3), ...long(1), ...short(6), 0, 0],
  ];
  const tiff = [0x4d, 0x4d, ...short(42), ...long(8), ...short(entries.length), ...entries.flat(), ...long(0)];
  const exif = Buffer.concat([Buffer.from("Exif\0\0"), Buffer.from(tiff), Buffer.from(PLACE)]);
  const head = Buffer.from([0xff, 0xe1, ...short(exif.length + 2)]);
  return Buffer.concat([SUNSET.subarray(0, 2), head, exif, SUNSET.subarray(2)]);
}

function box(kind, ...content) {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(content.reduce((sum, part) => sum + part.length, 8));
  return Buffer.concat([size, Buffer.from(kind, "latin1"), ...content]);
}

/** A film, or a picture that moves, as far as it is told apart: frames that nobody can play, and where it was made. */
export function film(frames, brand = "isom") {
  const place = box("udta", box("\xa9xyz", Buffer.from([0, PLACE.length, 0x15, 0xc7]), Buffer.from(PLACE)));
  return Buffer.concat([box("ftyp", Buffer.from(`${brand}\0\0\0\0${brand}`)), box("mdat", frames), box("moov", place)]);
}
