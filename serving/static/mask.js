// Which pixels of an image are missing: painted over, or set by a rule; shown hatched.

import { draw, filled } from "./images.js";
import { fit, strokes } from "./pointer.js";

const BRUSH = 0.18; // of the canvas's width
const STRIPES = 24; // across the canvas

export class Mask {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    strokes(canvas, (from, to) => this.#brush(from, to));
  }

  // Starts with images of this shape, of which nothing is missing.
  begin(shape) {
    this.block = fit(this.canvas, shape);
    this.missing = filled(shape.slice(0, 2), false);
    this.show(filled(shape, 0));
  }

  // Marks as missing the pixels for which `rule` is true, given the position of their center in [0, 1].
  set(rule) {
    this.#each((y, x, row, column) => {
      this.missing[row][column] = rule(y / this.canvas.height, x / this.canvas.width);
    });
    this.#render();
  }

  // True where the image is known, [h][w][1].
  known() {
    return this.missing.map((row) => row.map((missing) => [!missing]));
  }

  show(image) {
    this.image = document.createElement("canvas");
    draw(this.image, image);
    this.#render();
  }

  // The center of each pixel, in the canvas's pixels, and its row and column.
  #each(visit) {
    this.missing.forEach((row, y) =>
      row.forEach((_, x) => visit((y + 0.5) * this.block, (x + 0.5) * this.block, y, x)),
    );
  }

  #brush([x0, y0], [x1, y1]) {
    // Wide enough for the pixel under it, wherever in that pixel it is.
    const radius = Math.max((BRUSH * this.canvas.width) / 2, Math.SQRT1_2 * this.block);
    const [dx, dy] = [x1 - x0, y1 - y0];
    this.#each((y, x, row, column) => {
      const along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy) || 0;
      const nearest = Math.min(1, Math.max(0, along));
      if (Math.hypot(x - x0 - nearest * dx, y - y0 - nearest * dy) <= radius) {
        this.missing[row][column] = true;
      }
    });
    this.#render();
  }

  #render() {
    const { block, canvas, context } = this;
    const { width, height } = canvas;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.image, 0, 0, width, height);
    context.save();
    context.beginPath();
    this.#each((y, x, row, column) => {
      if (this.missing[row][column]) context.rect(x - block / 2, y - block / 2, block, block);
    });
    context.clip();
    context.fillStyle = "#6f6f6f";
    context.fillRect(0, 0, width, height);
    context.strokeStyle = "#c4c4c4";
    context.lineWidth = width / STRIPES / 4;
    context.beginPath();
    for (let x = -height; x < width; x += width / STRIPES) {
      context.moveTo(x, height);
      context.lineTo(x + height, 0);
    }
    context.stroke();
    context.restore();
  }
}
