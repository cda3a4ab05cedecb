// The page: its state, and what each control changes.

import { describe } from "./about.js";
import * as api from "./api.js";
import { draw, save } from "./images.js";
import { between, moved, rowSeeds } from "./latents.js";
import { Mask } from "./mask.js";
import { classCount, further, inputShape, unknown } from "./signatures.js";
import { Sketch } from "./sketch.js";

const MOST_CHOSEN = 4;
const INPAINTINGS = 8;
const $ = (id) => document.getElementById(id);

const mask = new Mask($("mask"));
const sketch = new Sketch($("sketch"), () => mask.show(sketch.image()));

// A sample can be chosen. It has a name, latents, a class and a button; an inpainting has in `given` the
// image and its mask too.
const state = {
  models: [],
  model: null,
  version: null,
  encoded: [], // samples from the user's images: the last of the grid
  gridRequests: 0, // how many so far: only the newest answer is shown
  inpaintRequests: 0, // likewise
  others: 0, // how often other inpaintings were requested
  chosen: [], // samples, in the order in which they were chosen
  moves: new Map(), // dimension to the value that it was moved to
  shown: null, // the inputs of the large image, once it is drawn
};

function problem(error) {
  $("problem").hidden = !error;
  $("problem").textContent = error ? error.message : "";
  if (error) $("problem").scrollIntoView({ block: "nearest" });
}

async function attempt(work) {
  try {
    await work();
    problem(null);
  } catch (error) {
    problem(error);
  }
}

// Models and versions

function options(select, values, current) {
  select.replaceChildren(
    ...values.map(([value, label]) => new Option(label, value, false, value === current)),
  );
}

async function lookAgain() {
  state.models = (await api.catalog()).filter((model) => model.versions.length > 0);
  if (state.models.length === 0) throw new Error("No model is available yet. Look again in a moment.");
  const name = state.models.some((m) => m.name === $("model").value) ? $("model").value : state.models[0].name;
  options($("model"), state.models.map((m) => [m.name, m.name]), name);
  chooseModel();
  await drawSamples();
}

function chooseModel() {
  state.model = state.models.find((model) => model.name === $("model").value);
  const labels = Object.entries(state.model.labels);
  const versions = state.model.versions.map(({ version }) => {
    const names = labels.filter(([, number]) => String(number) === version).map(([label]) => label);
    return [version, names.length ? `${version} (${names.join(", ")})` : version];
  });
  const available = versions.some(([version]) => version === $("version").value);
  options($("version"), versions, available ? $("version").value : versions[0][0]);
  chooseVersion();
}

function chooseVersion() {
  state.version = state.model.versions.find(({ version }) => version === $("version").value);
  describe($("metadata"), state.model, state.version);
  const prior = state.version.metadata?.prior;
  const uniform = typeof prior?.low === "number" && typeof prior?.high === "number";
  $("amount").min = uniform ? prior.low : -3;
  $("amount").max = uniform ? prior.high : 3;
  const names = Array.from({ length: classCount(state.version) }, (_, i) => [String(i), String(i)]);
  const current = names.some(([name]) => name === $("class").value) ? $("class").value : "";
  options($("class"), [["", "each in turn"], ...names], current);
  options($("shown-class"), names, "0");
  $("class-row").hidden = names.length === 0;
  $("shown-class-row").hidden = names.length === 0;
  state.encoded = [];
  const shapes = {
    encode: inputShape(state.version, "encode", "latents"),
    inpaint: inputShape(state.version, "inpaint", "images"),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    for (const element of document.querySelectorAll(`.for-${name}`)) element.hidden = !shape;
  }
  const shape = shapes.encode ?? shapes.inpaint;
  $("user-image").hidden = !shape;
  if (shape) {
    mask.begin(shape);
    sketch.begin(shape);
  }
  for (const id of ["scaled", "reconstruction"]) draw($(id), [[[0]]]);
  state.inpaintRequests += 1;
  $("inpaintings").replaceChildren();
  $("inpainted").textContent = "";
  $("others").disabled = true;
}

// The grid

async function drawSamples() {
  choose([]);
  $("grid").replaceChildren();
  const request = (state.gridRequests += 1);
  const { sample, serving_default: generate } = state.version.signatures;
  if (!sample?.outputs.images || !sample.outputs.latents || !generate?.inputs.latents) {
    throw new Error(
      `${state.model.name} version ${state.version.version} has no signatures "sample" (seed to images and ` +
        `latents) and "serving_default" (latents to images), so there is nothing to explore. Its metadata is below.`,
    );
  }
  const inputs = new Set([...unknown(state.version, "sample"), ...unknown(state.version, "serving_default")]);
  if (inputs.size > 0) {
    throw new Error(
      `${state.model.name} version ${state.version.version} takes further inputs (${[...inputs].join(", ")}), ` +
        `which this page does not support. Its metadata is below.`,
    );
  }
  const seed = givenSeed();
  $("grid").setAttribute("aria-busy", "true");
  try {
    const seeds = rowSeeds(seed, Number($("count").value));
    const wanted = $("class").value;
    const classes = seeds.map((_, i) => (wanted === "" ? i % (classCount(state.version) || 1) : Number(wanted)));
    const more = further(state.version, "sample", classes);
    const answer = await api.sample(state.model.name, state.version.version, seeds, more);
    if (request !== state.gridRequests) return;
    $("direction").max = answer.latents[0].length - 1;
    const samples = answer.latents.map((latents, i) =>
      newSample(`sample ${i + 1}`, answer.images[i], { latents, shownAs: classes[i] }),
    );
    $("grid").replaceChildren(...[...samples, ...state.encoded].map(({ button }) => button));
  } finally {
    if (request === state.gridRequests) $("grid").setAttribute("aria-busy", "false");
  }
}

function givenSeed() {
  const seed = $("seed").value.trim();
  if (!/^-?\d{1,20}$/.test(seed)) throw new Error("The seed must be a whole number of at most 20 digits.");
  return BigInt(seed);
}

// A sample with a button that chooses it.
function newSample(name, image, properties) {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  const place = document.createElement("span");
  const sample = { name, button, ...properties };
  button.type = "button";
  button.className = "cell";
  button.setAttribute("aria-label", name.replace(/^./, (first) => first.toUpperCase()));
  button.setAttribute("aria-pressed", "false");
  place.className = "place";
  place.hidden = true;
  button.append(canvas, place);
  button.addEventListener("click", () => toggle(sample));
  draw(canvas, image);
  return sample;
}

// The user's image becomes one more cell, and is chosen.
async function encode() {
  const [model, version] = [state.model.name, state.version.version];
  const scaled = sketch.image();
  const shownAs = Number($("shown-class").value);
  const latents = await api.encode(model, version, scaled, further(state.version, "encode", [shownAs]));
  const image = await api.image(model, version, latents, further(state.version, "serving_default", [shownAs]));
  if (model !== state.model.name || version !== state.version.version) return;
  draw($("scaled"), scaled);
  draw($("reconstruction"), image);
  const encoded = newSample(`your image ${state.encoded.length + 1}`, image, { latents, shownAs });
  state.encoded.push(encoded);
  $("grid").append(encoded.button);
  choose([encoded]);
}

// Inpaintings of the user's image, with the seed's next latents if others are wanted.
async function inpaint(others) {
  const given = { images: sketch.image(), mask: mask.known() };
  if (given.mask.flat(2).every(Boolean)) {
    throw new Error("Nothing is missing yet: paint over an area of the second field, or hide half of it.");
  }
  const [model, version] = [state.model.name, state.version.version];
  const seed = givenSeed();
  const request = (state.inpaintRequests += 1);
  state.others = others ? state.others + 1 : 0;
  const first = INPAINTINGS * state.others;
  const seeds = rowSeeds(seed, first + INPAINTINGS).slice(first);
  const [forSample, forInpaint] = ["sample", "inpaint"].map((signature) =>
    further(state.version, signature, seeds.map(() => 0)),
  );
  const { latents } = await api.sample(model, version, seeds, forSample);
  const images = await api.inpaint(model, version, given, latents, forInpaint);
  if (request !== state.inpaintRequests) return;
  choose([]);
  const original = document.createElement("canvas");
  original.setAttribute("role", "img");
  original.setAttribute("aria-label", "The original");
  draw(original, given.images);
  const samples = latents.map((row, i) =>
    newSample(`inpainting ${first + i + 1}`, images[i], { latents: row, shownAs: 0, given }),
  );
  $("inpaintings").replaceChildren(original, ...samples.map(({ button }) => button));
  $("inpainted").textContent = `The original and inpaintings ${first + 1} to ${first + INPAINTINGS}: choose them like samples.`;
  $("others").disabled = false;
}

// Choosing samples, and interpolating between them

function toggle(sample) {
  const { chosen } = state;
  if (chosen.includes(sample)) choose(chosen.filter((other) => other !== sample));
  else choose(chosen.length < MOST_CHOSEN ? [...chosen, sample] : [sample]);
}

function choose(chosen) {
  state.chosen = chosen;
  state.moves.clear();
  $("across").value = 0;
  $("down").value = 0;
  for (const button of document.querySelectorAll(".cell")) {
    const place = chosen.findIndex((sample) => sample.button === button);
    button.setAttribute("aria-pressed", String(place >= 0));
    button.lastChild.hidden = place < 0;
    button.lastChild.textContent = place + 1;
  }
  $("across-row").hidden = chosen.length < 2;
  $("down-row").hidden = chosen.length < 4;
  $("directions").disabled = chosen.length === 0;
  if (chosen.length === 1) $("shown-class").value = chosen[0].shownAs;
  $("clear").disabled = chosen.length === 0;
  setShown(null);
  if (chosen.length === 0) {
    const canvas = $("image");
    canvas.width = 1;
    canvas.height = 1;
    delete canvas.dataset.drawn;
    say("No sample chosen yet.");
  } else {
    show();
  }
}

// Only an image that is drawn can be saved.
function setShown(inputs) {
  state.shown = inputs;
  for (const id of ["save-image", "save-latents"]) $(id).disabled = inputs === null;
}

function say(text) {
  $("place").textContent = text;
  $("image").setAttribute("aria-label", text);
}

function where() {
  const names = state.chosen.map(({ name }) => name);
  const across = Math.round(100 * $("across").value);
  const down = Math.round(100 * $("down").value);
  if (names.length === 1) return state.encoded.includes(state.chosen[0]) ? `Reconstruction of ${names[0]}.` : `Image of ${names[0]}.`;
  const line = `${across} % of the way from ${names[0]} to ${names[1]}`;
  if (names.length === 2) return `${line}.`;
  if (names.length === 3) return `${line}. Choose a fourth sample for the square.`;
  return `${line}, and ${down} % down to ${names[2]} and ${names[3]}.`;
}

// An interpolation keeps the class of its first sample, or the image that it inpaints.
async function imageOf(latents, given) {
  const [model, version] = [state.model.name, state.version.version];
  const classes = [Number($("shown-class").value)];
  if (!given) return api.image(model, version, latents, further(state.version, "serving_default", classes));
  return (await api.inpaint(model, version, given, [latents], further(state.version, "inpaint", classes)))[0];
}

// One request at a time; the newest wish comes next. The image's data-drawn is set when none is left.
let running = false;
let wanted = false;

async function show() {
  delete $("image").dataset.drawn;
  wanted = true;
  if (running) return;
  running = true;
  await attempt(async () => {
    while (wanted) {
      wanted = false;
      if (state.chosen.length === 0) break;
      const corners = state.chosen.map(({ latents }) => latents);
      const point = between(corners, Number($("across").value), Number($("down").value));
      const latents = moved(point, state.moves);
      const text = where();
      showDirection(latents);
      const { given } = state.chosen[0];
      const image = await imageOf(latents, given);
      if (state.chosen.length === 0) break;
      say(text);
      setShown({ latents, ...given });
      draw($("image"), image);
      if (wanted) delete $("image").dataset.drawn;
    }
  });
  running = false;
}

// Single dimensions

function direction() {
  const last = Number($("direction").max);
  return Math.min(last, Math.max(0, Math.trunc(Number($("direction").value)) || 0));
}

function showDirection(latents) {
  const value = latents[direction()];
  $("amount").value = value;
  $("amount-text").textContent = value.toFixed(2);
}

// Events

$("refresh").addEventListener("click", () => attempt(lookAgain));
$("model").addEventListener("change", () => attempt(async () => { chooseModel(); await drawSamples(); }));
$("version").addEventListener("change", () => attempt(async () => { chooseVersion(); await drawSamples(); }));
$("draw").addEventListener("submit", (event) => { event.preventDefault(); attempt(drawSamples); });
$("another").addEventListener("click", () => {
  $("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
  attempt(drawSamples);
});
$("across").addEventListener("input", show);
$("down").addEventListener("input", show);
$("direction").addEventListener("input", () => state.shown && showDirection(state.shown.latents));
$("amount").addEventListener("input", () => { state.moves.set(direction(), Number($("amount").value)); show(); });
$("reset").addEventListener("click", () => { state.moves.clear(); show(); });
$("shown-class").addEventListener("change", show);
$("encode").addEventListener("submit", (event) => { event.preventDefault(); attempt(encode); });
$("inpaint").addEventListener("submit", (event) => { event.preventDefault(); attempt(() => inpaint(false)); });
$("others").addEventListener("click", () => attempt(() => inpaint(true)));
$("lower").addEventListener("click", () => mask.set((y) => y >= 0.5));
$("right").addEventListener("click", () => mask.set((y, x) => x >= 0.5));
$("nothing").addEventListener("click", () => mask.set(() => false));
$("open").addEventListener("click", () => { $("open").value = ""; }); // the same file may come again
$("open").addEventListener("change", () => attempt(async () => {
  if ($("open").files.length > 0) await sketch.open($("open").files[0]);
}));
$("invert").addEventListener("click", () => sketch.invert());
$("wipe").addEventListener("click", () => sketch.clear());
$("clear").addEventListener("click", () => choose([]));
$("save-image").addEventListener("click", () => $("image").toBlob((blob) => save(blob, "image.png")));
$("save-latents").addEventListener("click", () => {
  const { name } = state.model;
  const content = { model: name, version: Number(state.version.version), ...state.shown };
  if (classCount(state.version)) content.condition = Number($("shown-class").value);
  save(new Blob([JSON.stringify(content)], { type: "application/json" }), "latents.json");
});

attempt(lookAgain);
