// The page: its state, and what each control changes.

import { describe, numbered } from "./about.js";
import * as api from "./api.js";
import { typical } from "./center.js";
import { bounds, principal, vectorOf } from "./directions.js";
import { draw, save, shownChannels } from "./images.js";
import { arrows, enter } from "./keys.js";
import { along, between, moved, rowSeeds, spherical, truncated } from "./latents.js";
import * as link from "./link.js";
import { Mask } from "./mask.js";
import { classCount, classNames, further, inputShape, unknown } from "./signatures.js";
import { Sketch } from "./sketch.js";

const MOST_CHOSEN = 4;
const INPAINTINGS = 8;
const DEFAULTS = { seed: "0", images: "36", class: "", truncation: "1" }; // of a link that does not have them
const REMEMBER_AFTER = 100; // milliseconds: browsers limit how often the address may change
const $ = (id) => document.getElementById(id);

const mask = new Mask($("mask"));
const sketch = new Sketch($("sketch"), () => mask.show(sketch.image()));

// A sample can be chosen. It has a name, latents, a class and a button; one of the grid the seed of its noise, too; an
// inpainting in `given` the image and its mask.
const state = {
  models: [],
  model: null,
  version: null,
  drawn: null, // the seed, the number, the class and the truncation of the grid's samples, as the link has them
  samples: [], // those of the grid
  typical: null, // where they have their ink
  encoded: [], // samples from the user's images: the last of the grid
  gridRequests: 0, // how many so far: only the newest answer is shown
  inpaintRequests: 0, // likewise
  others: 0, // how often other inpaintings were requested
  chosen: [], // samples, in the order in which they were chosen
  dimensions: 0, // of the latents
  directions: [], // the principal ones
  moves: new Map(), // name of a direction to how far the latents were moved along it
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

// Reads the catalog, and shows what the page's address asks for: at the start, and to refresh the page.
async function load() {
  state.models = (await api.catalog()).filter((model) => model.versions.length > 0);
  if (state.models.length === 0) throw new Error("No model is available yet. Refresh in a moment.");
  const { view: given, damaged } = link.read(location.hash);
  const view = { ...DEFAULTS, ...given };
  const absent = [];
  // Calls `use` with a value of the link; notes its name if the page has no such thing.
  const take = (name, use) => {
    if (name in view && !use(view[name])) absent.push(`${name} ${view[name]}`);
  };
  const names = state.models.map(({ name }) => name);
  const current = names.includes($("model").value) ? $("model").value : names[0];
  options($("model"), names.map((name) => [name, name]), current);
  $("model-row").hidden = names.length === 1;
  take("model", (value) => select("model", value));
  chooseModel();
  take("version", (value) => select("version", value));
  chooseVersion();
  take("images", (value) => select("count", value));
  take("class", (value) => select("class", value));
  take("seed", (value) => { $("seed").value = value; return true; });
  take("truncation", (value) => {
    if (!$("truncation-row").hidden) $("truncation").value = value;
    return $("truncation").value === value;
  });
  if (!(await drawSamples())) return;
  take("samples", (value) => {
    const numbers = [...new Set(value.split(","))].map((number) => state.samples[number - 1]);
    return numbers.every(Boolean) && setChosen(numbers);
  });
  if (state.chosen.length > 0) {
    for (const name of ["across", "down"]) take(name, (value) => { $(name).value = value; return true; });
    take("as", (value) => select("shown-class", value));
    take("direction", (value) => Boolean(vector(value)) && setDirection(value));
    take("moves", (value) => {
      const moves = value.split(",").map((move) => move.split(":"));
      if (!moves.every(([name]) => vector(name))) return false;
      state.moves = new Map(moves.map(([name, to]) => [name, Number(to)]));
      return true;
    });
    await drawImage();
  }
  const faults = [["Not here", absent], ["Not readable", damaged]].filter(([, names]) => names.length > 0);
  if (faults.length > 0) {
    const texts = faults.map(([fault, names]) => `${fault}: ${names.join(", ")}.`);
    throw new Error(`The link cannot be followed in full. ${texts.join(" ")} The rest is shown.`);
  }
}

function select(id, value) {
  const found = [...$(id).options].some((option) => option.value === value);
  if (found) $(id).value = value;
  return found;
}

// The view as a link has it, without what comes from the user's images.
function view() {
  const numbers = state.chosen.map((sample) => state.samples.indexOf(sample) + 1);
  const chosen = numbers.length > 0 && numbers.every(Boolean);
  return {
    model: state.model.name,
    version: state.version.version,
    ...state.drawn,
    ...(chosen && {
      samples: numbers.join(","),
      across: numbers.length > 1 ? $("across").value : "",
      down: numbers.length > 3 ? $("down").value : "",
      as: $("shown-class").value,
      direction: direction(),
      moves: [...state.moves].map(([name, to]) => `${name}:${to}`).join(","),
    }),
  };
}

function writeLink() {
  history.replaceState(null, "", link.write(view()));
}

let soon;

function remember() {
  $("copied").textContent = "";
  clearTimeout(soon);
  soon = setTimeout(() => state.drawn && writeLink(), REMEMBER_AFTER); // a link that failed can be tried again
}

async function copyLink() {
  if (state.drawn) writeLink();
  if (!navigator.clipboard) throw new Error("The browser lets only pages of https:// and of this machine copy. Copy the page's address.");
  await navigator.clipboard.writeText(location.href);
  $("copied").textContent = view().samples || state.chosen.length === 0 ? "Copied." : "Copied, without your image.";
}

function chooseModel() {
  state.model = state.models.find((model) => model.name === $("model").value);
  $("title").textContent = state.model.name;
  document.title = `${state.model.name} - explorer`;
  const versions = state.model.versions.map((one) => [one.version, numbered(state.model, one)]);
  const available = versions.some(([version]) => version === $("version").value);
  options($("version"), versions, available ? $("version").value : versions[0][0]);
}

function chooseVersion() {
  state.version = state.model.versions.find(({ version }) => version === $("version").value);
  describe($("metadata"), state.model, state.version);
  const names = classNames(state.version);
  const current = names.some(([name]) => name === $("class").value) ? $("class").value : "";
  options($("class"), [["", "each in turn"], ...names], current);
  options($("shown-class"), names, "0");
  $("class-row").hidden = names.length === 0;
  $("shown-class-row").hidden = names.length === 0;
  $("truncation-row").hidden = spherical(state.version.metadata?.prior);
  if ($("truncation-row").hidden) $("truncation").value = 1;
  state.drawn = null;
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

// Draws the samples; true unless a newer request came meanwhile.
async function drawSamples() {
  choose([]);
  state.samples = [];
  $("grid").replaceChildren();
  $("channels").textContent = "";
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
  const [seed, truncation] = [givenSeed(), givenTruncation()];
  const [, height, width] = sample.outputs.images.shape ?? [];
  $("grid").style.setProperty("--ratio", width / height); // it keeps its place
  $("grid").setAttribute("aria-busy", "true");
  try {
    const seeds = rowSeeds(seed, Number($("count").value));
    const wanted = $("class").value;
    const classes = seeds.map((_, i) => (wanted === "" ? i % (classCount(state.version) || 1) : Number(wanted)));
    const { version } = state;
    const more = (signature) => further(version, signature, classes, seeds);
    let { latents, images } = await api.sample(version, seeds, more("sample"));
    if (truncation !== 1) {
      latents = truncated(latents, truncation);
      images = await api.images(version, latents, more("serving_default"));
    }
    if (request !== state.gridRequests) return false;
    state.drawn = {
      seed: String(seed),
      images: String(seeds.length),
      class: wanted,
      truncation: truncation === 1 ? "" : String(truncation),
    };
    state.samples = latents.map((row, i) =>
      newSample(`sample ${i + 1}`, images[i], { latents: row, shownAs: classes[i], noiseSeed: seeds[i] }),
    );
    $("channels").textContent = shownChannels(images[0][0][0].length);
    state.dimensions = latents[0].length;
    offerDirections();
    state.typical = typical(images);
    $("center-row").hidden = !state.typical;
    centerSketch();
    $("grid").style.setProperty("--columns", Math.sqrt(seeds.length));
    $("grid").replaceChildren(...[...state.samples, ...state.encoded].map(({ button }) => button));
    enter($("grid"));
    remember();
    return true;
  } finally {
    if (request === state.gridRequests) $("grid").setAttribute("aria-busy", "false");
  }
}

function givenSeed() {
  const seed = $("seed").value.trim();
  if (!/^-?\d{1,20}$/.test(seed)) throw new Error("The seed must be a whole number of at most 20 digits.");
  return BigInt(seed);
}

function givenTruncation() {
  if (!$("truncation").checkValidity()) throw new Error("The truncation must be a number from 0 to 2 with at most two decimals.");
  return $("truncation").valueAsNumber;
}

// A sample with a button that chooses it.
function newSample(name, image, properties) {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  const place = document.createElement("span");
  const sample = { name, button, ...properties };
  button.type = "button";
  button.tabIndex = -1;
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
  const { version } = state;
  const scaled = sketch.image();
  const shownAs = Number($("shown-class").value);
  const latents = await api.encode(version, scaled, further(version, "encode", [shownAs]));
  const [image] = await api.images(version, [latents], further(version, "serving_default", [shownAs]));
  if (version !== state.version) return;
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
  const { version } = state;
  const [seed, truncation] = [givenSeed(), givenTruncation()];
  const request = (state.inpaintRequests += 1);
  state.others = others ? state.others + 1 : 0;
  const first = INPAINTINGS * state.others;
  const seeds = rowSeeds(seed, first + INPAINTINGS).slice(first);
  const [forSample, forInpaint] = ["sample", "inpaint"].map((signature) =>
    further(version, signature, seeds.map(() => 0)),
  );
  const latents = truncated((await api.sample(version, seeds, forSample)).latents, truncation);
  const images = await api.inpaint(version, given, latents, forInpaint);
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
  enter($("inpaintings"));
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
  setChosen(chosen);
  if (chosen.length > 0) {
    show();
    return;
  }
  const canvas = $("image");
  canvas.width = 1;
  canvas.height = 1;
  delete canvas.dataset.drawn;
  say("No sample chosen yet.");
  remember();
}

function setChosen(chosen) {
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
  return true;
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

// An interpolation keeps the class and the noise of its first sample, or the image that it inpaints.
async function imageOf(latents, { given, noiseSeed = 0 }) {
  const { version } = state;
  const classes = [Number($("shown-class").value)];
  const more = further(version, given ? "inpaint" : "serving_default", classes, [noiseSeed]);
  const images = given
    ? await api.inpaint(version, given, [latents], more)
    : await api.images(version, [latents], more);
  return images[0];
}

// For a file: as text, because numbers in JSON may lose digits beyond 2^53.
function noiseOf({ noiseSeed = 0 }) {
  return state.version.signatures.serving_default.inputs.noise_seed ? { noise_seed: String(noiseSeed) } : {};
}

// One request at a time; the newest wish comes next. The image's data-drawn is set when none is left.
let running = false;
let wanted = false;

const show = () => attempt(drawImage);

async function drawImage() {
  delete $("image").dataset.drawn;
  wanted = true;
  remember();
  if (running) return;
  running = true;
  try {
    while (wanted) {
      wanted = false;
      if (state.chosen.length === 0) break;
      const corners = state.chosen.map(({ latents }) => latents);
      const point = between(corners, Number($("across").value), Number($("down").value));
      const moves = [...state.moves].map(([name, to]) => [vector(name), to]);
      const latents = moved(point, moves, state.version.metadata?.prior);
      const text = where();
      showDirection(latents);
      const [first] = state.chosen;
      const image = await imageOf(latents, first);
      if (state.chosen.length === 0) break;
      say(text);
      setShown({ latents, ...first.given, ...noiseOf(first) });
      draw($("image"), image);
      if (wanted) delete $("image").dataset.drawn;
    }
  } finally {
    running = false;
  }
}

// Directions

function offerDirections() {
  state.directions = principal(state.version.metadata, state.dimensions);
  const values = state.directions.map(({ share }, i) => [
    `p${i + 1}`,
    `Principal direction ${i + 1} (${(100 * share).toPrecision(2)} %)`,
  ]);
  const current = $("direction").value;
  options($("direction"), [...values, ["", "Single dimension"]], current || values.length === 0 ? current : "p1");
  for (const id of ["direction-row", "direction-hint"]) $(id).hidden = values.length === 0;
  $("dimension").max = state.dimensions - 1;
  setDirection(direction());
}

// The name of the chosen direction, as links have it.
function direction() {
  if ($("direction").value) return $("direction").value;
  const wanted = Math.trunc(Number($("dimension").value)) || 0;
  return String(Math.min(state.dimensions - 1, Math.max(0, wanted)));
}

function setDirection(name) {
  const single = !name.startsWith("p");
  $("direction").value = single ? "" : name;
  if (single) $("dimension").value = name;
  $("dimension-row").hidden = !single;
  adjustAmount();
  return true;
}

// The slider for the chosen direction.
function adjustAmount() {
  const [min, max] = bounds(direction(), state.version.metadata?.prior, state.dimensions);
  Object.assign($("amount"), { min, max });
  if (state.shown) showDirection(state.shown.latents);
}

const vector = (name) => vectorOf(name, state.directions, state.dimensions);

function showDirection(latents) {
  const value = along(latents, vector(direction()));
  $("amount").value = value;
  $("amount-text").textContent = value.toFixed(2);
}

function centerSketch() {
  sketch.wanted = $("center").checked ? state.typical : null;
  if (!$("user-image").hidden) sketch.changed();
}

// Events

$("refresh").addEventListener("click", () => { if (state.drawn) writeLink(); attempt(load); });
$("copy-link").addEventListener("click", () => attempt(copyLink));
addEventListener("hashchange", () => attempt(load));
$("model").addEventListener("change", () => attempt(async () => { chooseModel(); chooseVersion(); writeLink(); await drawSamples(); }));
$("version").addEventListener("change", () => attempt(async () => { chooseVersion(); writeLink(); await drawSamples(); }));
$("draw").addEventListener("submit", (event) => { event.preventDefault(); attempt(drawSamples); });
$("another").addEventListener("click", () => {
  $("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
  attempt(drawSamples);
});
$("across").addEventListener("input", show);
$("down").addEventListener("input", show);
$("direction").addEventListener("change", () => { setDirection(direction()); remember(); });
$("dimension").addEventListener("input", () => { adjustAmount(); remember(); });
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
$("center").addEventListener("change", centerSketch);
$("clear").addEventListener("click", () => choose([]));
for (const id of ["grid", "inpaintings"]) arrows($(id));
for (const id of ["grid", "inpaintings", "chosen"]) {
  $(id).addEventListener("keydown", (event) => event.key === "Escape" && choose([]));
}
$("save-image").addEventListener("click", () => $("image").toBlob((blob) => save(blob, "image.png")));
$("save-latents").addEventListener("click", () => {
  const { name } = state.model;
  const content = { model: name, version: Number(state.version.version), ...state.shown };
  if (classCount(state.version)) content.condition = Number($("shown-class").value);
  save(new Blob([JSON.stringify(content)], { type: "application/json" }), "latents.json");
});

attempt(load);
