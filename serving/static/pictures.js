// Pictures as nested lists [h][w][c] in [0, 1]: making, drawing, saving.

// Nested lists of this shape with one value.
export function filled([size, ...rest], value) {
  return Array.from({ length: size }, () => (rest.length > 0 ? filled(rest, value) : value));
}

export function draw(canvas, picture) {
  const height = picture.length;
  const width = picture[0].length;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  let at = 0;
  for (const row of picture) {
    for (const pixel of row) {
      for (let channel = 0; channel < 3; channel += 1) {
        const value = pixel[pixel.length === 1 ? 0 : channel];
        image.data[at + channel] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
      image.data[at + 3] = 255;
      at += 4;
    }
  }
  context.putImageData(image, 0, 0);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
