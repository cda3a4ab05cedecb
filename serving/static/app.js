// The page: what is chosen, and what each control does to it.

import { describe } from "./about.js";
import * as api from "./api.js";
import { between, moved, rowSeeds } from "./latents.js";
import { draw, save } from "./pictures.js";
import { Sketch } from "./sketch.js";

const MOST_CHOSEN = 4;
const $ = (id) => document.getElementById(id);

const sketch = new Sketch($("sketch"));

const state = {
  models: [],
  model: null,
  version: null,
  samples: [], // latents of the pictures in the grid, those of one's own last
  own: [], // what `samples` has of one's own: latents, picture and class
  classes: [], // of the samples, in a model of classes
  drawing: 0, // how often the grid was asked for: only the newest answer is shown
  chosen: [], // their indices, in the order in which they were chosen
  moves: new Map(), // direction to the value that it was moved to
  latents: null, // of the large picture, once it is drawn
};

// Problems, in words

function problem(error) {
  $("problem").hidden = !error;
  $("problem").textContent = error ? error.message : "";
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
  state.models = (await api.catalogue()).filter((model) => model.versions.length > 0);
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
  const kept = versions.some(([version]) => version === $("version").value);
  options($("version"), versions, kept ? $("version").value : versions[0][0]);
  chooseVersion();
}

function chooseVersion() {
  state.version = state.model.versions.find(({ version }) => version === $("version").value);
  describe($("metadata"), state.model, state.version);
  const prior = state.version.metadata?.prior;
  const uniform = typeof prior?.low === "number" && typeof prior?.high === "number";
  $("amount").min = uniform ? prior.low : -3;
  $("amount").max = uniform ? prior.high : 3;
  const names = Array.from({ length: classCount() }, (_, i) => [String(i), String(i)]);
  const kept = names.some(([name]) => name === $("class").value) ? $("class").value : "";
  options($("class"), [["", "each in turn"], ...names], kept);
  options($("shown-class"), names, "0");
  $("class-row").hidden = names.length === 0;
  $("shown-class-row").hidden = names.length === 0;
  state.own = [];
  const { inputs, outputs } = state.version.signatures.encode ?? { inputs: {}, outputs: {} };
  const shape = inputs.images?.shape ?? [];
  $("own").hidden = !(outputs.latents && [1, 3, 4].includes(shape[3]) && unknown("encode").length === 0);
  if (!$("own").hidden) sketch.begin(shape.slice(1));
  for (const id of ["seen", "made"]) draw($(id), [[[0]]]);
}

// How many classes the model tells apart; 0 if it has none.
function classCount() {
  const { metadata, signatures } = state.version;
  const condition = metadata?.condition;
  return signatures.serving_default?.inputs.condition && condition?.name === "classes" ? condition.count : 0;
}

// Further inputs of a signature for rows of these classes: noise has the seed 0.
function further(signature, classes) {
  const { inputs } = state.version.signatures[signature];
  const more = {};
  if (inputs.condition) more.condition = classes;
  if (inputs.noise_seed) more.noise_seed = classes.map(() => 0);
  return more;
}

// Inputs of a signature that the page cannot give.
function unknown(signature) {
  const known = ["seed", "latents", "images", "noise_seed", ...(classCount() ? ["condition"] : [])];
  return Object.keys(state.version.signatures[signature].inputs).filter((name) => !known.includes(name));
}

// The grid

async function drawSamples() {
  choose([]);
  state.samples = [];
  $("grid").replaceChildren();
  const drawing = (state.drawing += 1);
  const { sample, serving_default: picture } = state.version.signatures;
  if (!sample?.outputs.images || !sample.outputs.latents || !picture?.inputs.latents) {
    throw new Error(
      `${state.model.name} version ${state.version.version} has no signatures "sample" (seed to images and ` +
        `latents) and "serving_default" (latents to images), so there is nothing to explore. Its metadata is below.`,
    );
  }
  const inputs = new Set([...unknown("sample"), ...unknown("serving_default")]);
  if (inputs.size > 0) {
    throw new Error(
      `${state.model.name} version ${state.version.version} takes further inputs (${[...inputs].join(", ")}), ` +
        `which this page cannot give. Its metadata is below.`,
    );
  }
  const seed = $("seed").value.trim();
  if (!/^-?\d{1,20}$/.test(seed)) throw new Error("The seed must be a whole number of at most 20 digits.");
  $("grid").setAttribute("aria-busy", "true");
  try {
    const seeds = rowSeeds(BigInt(seed), Number($("count").value));
    const wanted = $("class").value;
    const classes = seeds.map((_, i) => (wanted === "" ? i % (classCount() || 1) : Number(wanted)));
    const more = further("sample", classes);
    const answer = await api.sample(state.model.name, state.version.version, seeds, more);
    if (drawing !== state.drawing) return;
    state.samples = [...answer.latents, ...state.own.map(({ latents }) => latents)];
    state.classes = [...classes, ...state.own.map(({ shownAs }) => shownAs)];
    $("direction").max = answer.latents[0].length - 1;
    const pictures = [...answer.images, ...state.own.map(({ picture }) => picture)];
    $("grid").replaceChildren(...pictures.map(cell));
  } finally {
    if (drawing === state.drawing) $("grid").setAttribute("aria-busy", "false");
  }
}

function cell(picture, index) {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  const place = document.createElement("span");
  button.type = "button";
  button.setAttribute("aria-label", name(index).replace(/^./, (first) => first.toUpperCase()));
  button.setAttribute("aria-pressed", "false");
  place.className = "place";
  place.hidden = true;
  button.append(canvas, place);
  button.addEventListener("click", () => toggle(index));
  draw(canvas, picture);
  return button;
}

function name(index) {
  const own = index - (state.samples.length - state.own.length);
  return own < 0 ? `sample ${index + 1}` : `your picture ${own + 1}`;
}

// A picture of one's own becomes one more cell, and is chosen.
async function encode() {
  const [model, version] = [state.model.name, state.version.version];
  const seen = sketch.picture();
  const shownAs = Number($("shown-class").value);
  const latents = await api.encode(model, version, seen, further("encode", [shownAs]));
  const picture = await api.picture(model, version, latents, further("serving_default", [shownAs]));
  if (model !== state.model.name || version !== state.version.version) return;
  draw($("seen"), seen);
  draw($("made"), picture);
  state.own.push({ latents, picture, shownAs });
  state.samples.push(latents);
  state.classes.push(shownAs);
  $("grid").append(cell(picture, state.samples.length - 1));
  choose([state.samples.length - 1]);
}

// Choosing pictures, and walking between them

function toggle(index) {
  const { chosen } = state;
  if (chosen.includes(index)) choose(chosen.filter((other) => other !== index));
  else choose(chosen.length < MOST_CHOSEN ? [...chosen, index] : [index]);
}

function choose(chosen) {
  state.chosen = chosen;
  state.moves.clear();
  $("across").value = 0;
  $("down").value = 0;
  [...$("grid").children].forEach((button, index) => {
    const place = chosen.indexOf(index);
    button.setAttribute("aria-pressed", String(place >= 0));
    button.lastChild.hidden = place < 0;
    button.lastChild.textContent = place + 1;
  });
  $("across-row").hidden = chosen.length < 2;
  $("down-row").hidden = chosen.length < 4;
  $("directions").disabled = chosen.length === 0;
  if (chosen.length === 1) $("shown-class").value = state.classes[chosen[0]];
  $("clear").disabled = chosen.length === 0;
  drawn(null);
  if (chosen.length === 0) {
    const canvas = $("picture");
    canvas.width = 1;
    canvas.height = 1;
    say("No picture chosen yet.");
  } else {
    show();
  }
}

// Only a picture that is there can be saved.
function drawn(latents) {
  state.latents = latents;
  for (const id of ["save-picture", "save-latents"]) $(id).disabled = latents === null;
}

function say(text) {
  $("place").textContent = text;
  $("picture").setAttribute("aria-label", text);
}

function where() {
  const names = state.chosen.map(name);
  const across = Math.round(100 * $("across").value);
  const down = Math.round(100 * $("down").value);
  if (names.length === 1) return names[0].startsWith("your") ? `Made from ${names[0]}.` : `The picture of ${names[0]}.`;
  const line = `${across} % of the way from ${names[0]} to ${names[1]}`;
  if (names.length === 2) return `${line}.`;
  if (names.length === 3) return `${line}. Choose a fourth picture for the square.`;
  return `${line}, and ${down} % down to ${names[2]} and ${names[3]}.`;
}

// One request at a time; when it is back, the newest wish is next.
let running = false;
let wanted = false;

async function show() {
  wanted = true;
  if (running) return;
  running = true;
  await attempt(async () => {
    while (wanted) {
      wanted = false;
      if (state.chosen.length === 0) break;
      const corners = state.chosen.map((index) => state.samples[index]);
      const point = between(corners, Number($("across").value), Number($("down").value));
      const latents = moved(point, state.moves);
      const text = where();
      showDirection(latents);
      const more = further("serving_default", [Number($("shown-class").value)]);
      const picture = await api.picture(state.model.name, state.version.version, latents, more);
      if (state.chosen.length === 0) break;
      draw($("picture"), picture);
      drawn(latents);
      say(text);
    }
  });
  running = false;
}

// Single directions

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
$("direction").addEventListener("input", () => state.latents && showDirection(state.latents));
$("amount").addEventListener("input", () => { state.moves.set(direction(), Number($("amount").value)); show(); });
$("reset").addEventListener("click", () => { state.moves.clear(); show(); });
$("shown-class").addEventListener("change", show);
$("encode").addEventListener("submit", (event) => { event.preventDefault(); attempt(encode); });
$("open").addEventListener("click", () => { $("open").value = ""; }); // the same file may come again
$("open").addEventListener("change", () => attempt(async () => {
  if ($("open").files.length > 0) await sketch.open($("open").files[0]);
}));
$("invert").addEventListener("click", () => sketch.invert());
$("wipe").addEventListener("click", () => sketch.clear());
$("clear").addEventListener("click", () => choose([]));
$("save-picture").addEventListener("click", () => $("picture").toBlob((blob) => save(blob, "picture.png")));
$("save-latents").addEventListener("click", () => {
  const { name } = state.model;
  const content = { model: name, version: Number(state.version.version), latents: state.latents };
  if (classCount()) content.condition = Number($("shown-class").value);
  save(new Blob([JSON.stringify(content)], { type: "application/json" }), "latents.json");
});

attempt(lookAgain);
