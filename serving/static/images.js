// Images as nested lists [h][w][c] in [0, 1]: making, drawing, saving.

// Nested lists of this shape with one value.
export function filled([size, ...rest], value) {
  return Array.from({ length: size }, () => (rest.length > 0 ? filled(rest, value) : value));
}

// Which channels `draw` shows of images with so many, in words; none if it shows them all.
export function shownChannels(count) {
  return count > 4 ? `Channels 1 to 3 of ${count} are shown, as red, green and blue.` : "";
}

// Draws an image at its own size; the attribute data-drawn tells that the canvas shows it. Of two and four channels the
// last is alpha, on white.
export function draw(canvas, image) {
  const height = image.length;
  const width = image[0].length;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  const unit = (value) => Math.min(1, Math.max(0, value));
  let at = 0;
  for (const row of image) {
    for (const pixel of row) {
      const alpha = pixel.length === 2 || pixel.length === 4 ? unit(pixel.at(-1)) : 1;
      for (let channel = 0; channel < 3; channel += 1) {
        const value = unit(pixel[pixel.length < 3 ? 0 : channel]);
        pixels.data[at + channel] = Math.round(255 * (value * alpha + 1 - alpha));
      }
      pixels.data[at + 3] = 255;
      at += 4;
    }
  }
  context.putImageData(pixels, 0, 0);
  canvas.dataset.drawn = "";
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
