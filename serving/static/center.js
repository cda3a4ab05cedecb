// Where the ink of an image is: hand drawings are moved and scaled to where samples have theirs.

const NEAR = 0.1; // so near to each other are the grays of a background
const PLAIN = 0.6; // of the pixels at the edge: 0.75 in digits of 8x8 pixels, 0.3 in photographs
const INK = 0.25; // at least so far from the background

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// The gray behind the ink of images [h][w][1]; null if their edges are not plain.
export function background(images) {
  const edges = images
    .flatMap((image) => [...image[0], ...image.at(-1), ...image.flatMap((row) => [row[0], row.at(-1)])])
    .flat();
  const gray = median(edges);
  const near = edges.filter((value) => Math.abs(value - gray) <= NEAR).length;
  return near >= PLAIN * edges.length ? gray : null;
}

// The ink's center of mass and its box, in parts of the image's longer side; null if there is none.
export function ink(image, gray) {
  const side = Math.max(image.length, image[0].length);
  let [mass, y, x] = [0, 0, 0];
  const box = { top: Infinity, left: Infinity, bottom: 0, right: 0 };
  image.forEach((row, i) =>
    row.forEach(([value], j) => {
      const weight = Math.abs(value - gray);
      if (weight < INK) return;
      mass += weight;
      y += (weight * (i + 0.5)) / side;
      x += (weight * (j + 0.5)) / side;
      box.top = Math.min(box.top, i / side);
      box.left = Math.min(box.left, j / side);
      box.bottom = Math.max(box.bottom, (i + 1) / side);
      box.right = Math.max(box.right, (j + 1) / side);
    }),
  );
  const size = Math.max(box.bottom - box.top, box.right - box.left);
  return mass > 0 ? { y: y / mass, x: x / mass, size, ...box } : null;
}

// The mean center of mass and the median size of the ink in gray samples on a plain background, else null.
export function typical(images) {
  const gray = images[0][0][0].length === 1 ? background(images) : null;
  const found = gray === null ? [] : images.map((image) => ink(image, gray)).filter(Boolean);
  if (found.length === 0) return null;
  return { y: mean(found.map(({ y }) => y)), x: mean(found.map(({ x }) => x)), size: median(found.map(({ size }) => size)) };
}

// How to scale an image of this ink, and then where to put it, so that the ink is there; all of it stays inside.
export function placement(found, wanted, [height, width]) {
  const side = Math.max(height, width);
  const scale = wanted.size / found.size;
  const shift = (center, target, start, end, room) =>
    Math.max(-scale * start, Math.min(room - scale * end, target - scale * center));
  return {
    scale,
    y: side * shift(found.y, wanted.y, found.top, found.bottom, height / side),
    x: side * shift(found.x, wanted.x, found.left, found.right, width / side),
  };
}
