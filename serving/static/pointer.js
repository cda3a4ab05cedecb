// Canvases for a pointer (mouse, pen or finger).

const LONGER_SIDE = 256; // at least so many pixels to draw on

// Fits a canvas to images of this shape; returns the side of an image's pixel in the canvas's pixels.
export function fit(canvas, [height, width]) {
  const block = Math.ceil(LONGER_SIDE / Math.max(height, width));
  canvas.width = width * block;
  canvas.height = height * block;
  return block;
}

// Calls `draw` with the two ends of each segment of a stroke, in the canvas's pixels.
export function strokes(canvas, draw) {
  let last;
  const place = ({ offsetX, offsetY }) => [
    (offsetX / canvas.clientWidth) * canvas.width,
    (offsetY / canvas.clientHeight) * canvas.height,
  ];
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    draw(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const to = place(event);
    draw(last, to);
    last = to;
  });
}
