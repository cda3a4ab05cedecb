// The user's image, drawn or opened, white on black, at the model's size.

import { background, ink, placement } from "./center.js";
import { fit, strokes } from "./pointer.js";

const STROKE = 0.11; // of the canvas's width

export class Sketch {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.changed = changed;
    this.wanted = null; // where the ink of a drawing shall be, of center.js; null: where it was drawn
    strokes(canvas, (from, to) => this.#line(from, to));
  }

  #line(from, to) {
    const { context } = this;
    context.strokeStyle = "white";
    context.lineWidth = STROKE * this.canvas.width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    this.changed();
  }

  // Clears the canvas, and fits it to images of this shape.
  begin(shape) {
    this.block = fit(this.canvas, shape);
    this.channels = shape[2];
    this.clear();
  }

  clear() {
    this.opened = false;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.changed();
  }

  invert() {
    const { width, height } = this.canvas;
    const image = this.context.getImageData(0, 0, width, height);
    for (let at = 0; at < image.data.length; at += 1) if (at % 4 < 3) image.data[at] = 255 - image.data[at];
    this.context.putImageData(image, 0, 0);
    this.changed();
  }

  // The center of an image in a file, as large as fits.
  async open(file) {
    let opened;
    try {
      opened = await createImageBitmap(file);
    } catch {
      throw new Error(`${file.name} is not an image that this browser can read.`);
    }
    const { width, height } = this.canvas;
    const scale = Math.max(width / opened.width, height / opened.height);
    const [w, h] = [opened.width * scale, opened.height * scale];
    this.clear();
    this.opened = true;
    // A small image keeps its pixels: one of the model's size is not changed.
    this.context.imageSmoothingEnabled = scale < 1;
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(opened, (width - w) / 2, (height - h) / 2, w, h);
    this.changed();
  }

  // The image, nested lists [h][w][c] in [0, 1]: each pixel is the mean of a square of the canvas.
  image() {
    const drawing = this.wanted && !this.opened && this.channels === 1;
    return means(drawing ? this.#centered() : this.context, this.block, this.channels);
  }

  #centered() {
    const { canvas, context } = this;
    const levels = means(context, 1, 1);
    const gray = background([levels]);
    const found = gray === null ? null : ink(levels, gray);
    if (!found) return context;
    const { width, height } = canvas;
    const { scale, x, y } = placement(found, this.wanted, [height, width]);
    const centered = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
    centered.fillStyle = gray > 0.5 ? "white" : "black";
    centered.fillRect(0, 0, width, height);
    centered.imageSmoothingQuality = "high";
    centered.drawImage(canvas, x, y, scale * width, scale * height);
    return centered;
  }
}

// The means of the squares of a canvas.
function means(context, block, channels) {
  const { data, width, height } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  const rows = [];
  for (let top = 0; top < height; top += block) {
    const row = [];
    for (let left = 0; left < width; left += block) {
      const sum = [0, 0, 0, 0];
      for (let y = top; y < top + block; y += 1) {
        for (let x = left; x < left + block; x += 1) {
          for (let c = 0; c < 4; c += 1) sum[c] += data[4 * (y * width + x) + c];
        }
      }
      const rgba = sum.map((value) => value / (255 * block * block));
      row.push(channels === 1 ? [0.299 * rgba[0] + 0.587 * rgba[1] + 0.114 * rgba[2]] : rgba.slice(0, channels));
    }
    rows.push(row);
  }
  return rows;
}
