// The page: what each control does.

import { classes, classNames, generate, prior, shape } from "./generator.js";
import { between, draw } from "./latents.js";

const SAMPLES = 64;
const ROWS = [8, 16]; // so many classes, at least and at most, get a row each
const SAVED = 128; // pixels of the longer side of a saved image, at least
const $ = (id) => document.getElementById(id);
const [height, width, channels] = shape;
const name = document.title;

// A sample has a name, latents, a class (its label), a button and a canvas.
let chosen = []; // at most two samples
let requests = 0; // how many images were asked for: only the newest is shown

// Runs one piece of work after the other, and shows an error in the page.
let last = Promise.resolve();
function attempt(work) {
  last = last.then(work).then(
    () => ($("message").hidden = true),
    (error) => {
      $("message").hidden = false;
      $("message").textContent = error.message;
    },
  );
}

function paint(canvas, image) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    for (let c = 0; c < 3; c += 1) {
      pixels.data[4 * at + c] = Math.round(255 * image[channels * at + (channels === 3 ? c : 0)]);
    }
    pixels.data[4 * at + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

// Samples of a seed

async function drawSamples() {
  const seed = $("seed").value.trim();
  if (!/^-?\d{1,20}$/.test(seed)) throw new Error("The seed must be a whole number of at most 20 digits.");
  if (!$("truncation").checkValidity()) throw new Error("The truncation must be a number from 0 to 2 with at most two decimals.");
  const truncation = $("truncation").valueAsNumber;
  const wanted = $("class").value;
  const labels = Array.from({ length: SAMPLES }, (_, i) => (wanted === "" ? i % (classes || 1) : Number(wanted)));
  const latents = draw(prior, BigInt(seed), SAMPLES).map((row) => row.map((x) => truncation * x));
  const images = await generate(latents, labels);
  const samples = images.map((image, i) => newSample(i, latents[i], labels[i], image));
  const rows = wanted === "" && classes >= ROWS[0] && classes <= ROWS[1] ? classes : 0;
  $("grid").className = rows ? "by-class" : "";
  $("grid").style.setProperty("--rows", rows || SAMPLES / 8);
  const names = Array.from({ length: rows }, (_, label) => {
    const element = document.createElement("span");
    element.textContent = named(label);
    return element;
  });
  $("grid").replaceChildren(...names, ...samples.map(({ button }) => button));
  await choose([]);
}

// A class by its number, and its name if it has another.
function named(label) {
  const name = classNames?.[label] ?? String(label);
  return name === String(label) ? name : `${label}: ${name}`;
}

function newSample(i, latents, label, image) {
  const [button, canvas] = ["button", "canvas"].map((tag) => document.createElement(tag));
  const sample = { name: `sample ${i + 1}${classes ? `, class ${named(label)}` : ""}`, latents, label, button, canvas };
  paint(canvas, image);
  button.type = "button";
  button.setAttribute("aria-label", sample.name);
  button.setAttribute("aria-pressed", "false");
  button.append(canvas);
  button.addEventListener("click", () => attempt(() => choose(toggled(sample))));
  return sample;
}

// One sample, or a point between two

const toggled = (sample) =>
  chosen.includes(sample) ? chosen.filter((other) => other !== sample) : [...chosen.slice(-1), sample];

async function choose(samples) {
  for (const { button } of chosen) button.setAttribute("aria-pressed", "false");
  for (const { button } of samples) button.setAttribute("aria-pressed", "true");
  chosen = samples;
  $("between-row").hidden = samples.length < 2;
  $("between").value = 0.5;
  await show();
}

async function show() {
  const [one, other] = chosen;
  $("image").hidden = !one;
  $("save").disabled = !one;
  $("place").textContent = "Choose a sample to see it here, or two for the images between them.";
  if (!one) return;
  const share = other ? Number($("between").value) : 0;
  const latents = other ? between(prior, one.latents, other.latents, share) : one.latents;
  const [image] = await generate([latents], [one.label]);
  paint($("image"), image);
  $("place").textContent = other
    ? `${Math.round(100 * share)} % of the way from ${one.name} to ${other.name}${classes ? `; the class stays ${named(one.label)}` : ""}`
    : one.name;
}

// Files

// Saves canvases as one picture with this many rows, filled as the grid is.
function save(canvases, rows, byColumn, file) {
  const scale = Math.ceil(SAVED / Math.max(width, height));
  const columns = Math.ceil(canvases.length / rows);
  const picture = document.createElement("canvas");
  picture.width = columns * width * scale;
  picture.height = rows * height * scale;
  const context = picture.getContext("2d");
  context.imageSmoothingEnabled = false;
  canvases.forEach((canvas, i) => {
    const [x, y] = byColumn ? [Math.floor(i / rows), i % rows] : [i % columns, Math.floor(i / columns)];
    context.drawImage(canvas, x * width * scale, y * height * scale, width * scale, height * scale);
  });
  picture.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

$("class").append(...Array.from({ length: classes }, (_, label) => new Option(named(label), label)));
$("class-row").hidden = !classes;
$("truncation-row").hidden = prior.name === "spherical"; // its latents stay on the sphere
$("draw").addEventListener("submit", (event) => { event.preventDefault(); attempt(drawSamples); });
$("class").addEventListener("change", () => attempt(drawSamples));
$("another").addEventListener("click", () => {
  $("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
  attempt(drawSamples);
});
$("between").addEventListener("input", () => {
  const request = (requests += 1);
  attempt(() => request === requests && show());
});
$("save").addEventListener("click", () => save([$("image")], 1, false, `${name}.png`));
$("save-all").addEventListener("click", () => {
  const rows = Number($("grid").style.getPropertyValue("--rows"));
  save([...$("grid").querySelectorAll("canvas")], rows, $("grid").className !== "", `${name}-samples.png`);
});
attempt(drawSamples);
