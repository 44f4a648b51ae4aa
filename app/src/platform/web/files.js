// Files and pictures, in the language of the canvas.

// The same file can be picked again: otherwise nothing would have changed.
addEventListener("change", ({ target }) => target.type === "file" && setTimeout(() => (target.value = "")));

/** A picture that was decoded, or the first that a film shows. What is too large to be drawn is refused by the browser. */
async function decoded(blob, isFilm) {
  if (!isFilm) return await createImageBitmap(blob);
  const film = document.createElement("video");
  const address = URL.createObjectURL(blob);
  try {
    film.muted = true;
    film.preload = "auto";
    await new Promise((resolve, reject) => {
      film.onseeked = resolve;
      film.onerror = reject;
      film.onloadedmetadata = () => (film.currentTime = Math.min(1, film.duration / 2 || 0));
      film.src = address;
      setTimeout(reject, 5000);
    });
    return await createImageBitmap(film);
  } finally {
    film.removeAttribute("src");
    URL.revokeObjectURL(address);
  }
}

function canvas(width, height) {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return made;
}

/** Its width and height, and a small one of at most `side` pixels: width, height, and four bytes for each pixel. */
export async function look(blob, isFilm, side) {
  const picture = await decoded(blob, isFilm);
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((length) => Math.max(1, Math.round(length * scale)));
  const context = canvas(width, height).getContext("2d");
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const seen = [picture.width, picture.height, width, height, data];
  picture.close();
  return seen;
}

/** The middle of a picture as a square JPEG of at most so many bytes. Nothing is left of what else the file says. */
export async function square(blob, side, most) {
  const picture = await decoded(blob, false);
  const length = Math.min(picture.width, picture.height);
  const made = canvas(side, side);
  const [left, top] = [(picture.width - length) / 2, (picture.height - length) / 2];
  made.getContext("2d").drawImage(picture, left, top, length, length, 0, 0, side, side);
  picture.close();
  for (const quality of [0.9, 0.75, 0.6, 0.4]) {
    const jpeg = await new Promise((resolve) => made.toBlob(resolve, "image/jpeg", quality));
    if (jpeg && jpeg.size <= most) return new Uint8Array(await jpeg.arrayBuffer());
  }
}

/** Some bytes of a file. */
export async function part(blob, from, to) {
  return new Uint8Array(await blob.slice(from, to).arrayBuffer());
}

/** Hands what lies at an address to the browser, which saves it where it saves everything. */
export function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
