// The page: what is chosen, and what each control does to it.

import { describe } from "./about.js";
import * as api from "./api.js";
import { Hole } from "./hole.js";
import { between, moved, rowSeeds } from "./latents.js";
import { draw, save } from "./pictures.js";
import { classCount, further, taken, unknown } from "./signatures.js";
import { Sketch } from "./sketch.js";

const MOST_CHOSEN = 4;
const COMPLETIONS = 8;
const $ = (id) => document.getElementById(id);

const hole = new Hole($("hole"));
const sketch = new Sketch($("sketch"), () => hole.show(sketch.picture()));

// A sample is what can be chosen: its name, latents, class and button; `given` is the picture that it
// completes, and which part of that is known.
const state = {
  models: [],
  model: null,
  version: null,
  own: [], // samples made from pictures of one's own: the grid's last
  drawing: 0, // how often the grid was asked for: only the newest answer is shown
  completing: 0, // the same of completions
  others: 0, // how often others were asked for
  chosen: [], // samples, in the order in which they were chosen
  moves: new Map(), // direction to the value that it was moved to
  made: null, // what the large picture was made from, once it is drawn
};

// Problems, in words

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
  const names = Array.from({ length: classCount(state.version) }, (_, i) => [String(i), String(i)]);
  const kept = names.some(([name]) => name === $("class").value) ? $("class").value : "";
  options($("class"), [["", "each in turn"], ...names], kept);
  options($("shown-class"), names, "0");
  $("class-row").hidden = names.length === 0;
  $("shown-class-row").hidden = names.length === 0;
  state.own = [];
  const shapes = {
    encode: taken(state.version, "encode", "latents"),
    complete: taken(state.version, "complete", "images"),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    for (const part of document.querySelectorAll(`.for-${name}`)) part.hidden = !shape;
  }
  const shape = shapes.encode ?? shapes.complete;
  $("own").hidden = !shape;
  if (shape) {
    hole.begin(shape);
    sketch.begin(shape);
  }
  for (const id of ["seen", "made"]) draw($(id), [[[0]]]);
  state.completing += 1;
  $("completions").replaceChildren();
  $("completed").textContent = "";
  $("others").disabled = true;
}

// The grid

async function drawSamples() {
  choose([]);
  $("grid").replaceChildren();
  const drawing = (state.drawing += 1);
  const { sample, serving_default: picture } = state.version.signatures;
  if (!sample?.outputs.images || !sample.outputs.latents || !picture?.inputs.latents) {
    throw new Error(
      `${state.model.name} version ${state.version.version} has no signatures "sample" (seed to images and ` +
        `latents) and "serving_default" (latents to images), so there is nothing to explore. Its metadata is below.`,
    );
  }
  const inputs = new Set([...unknown(state.version, "sample"), ...unknown(state.version, "serving_default")]);
  if (inputs.size > 0) {
    throw new Error(
      `${state.model.name} version ${state.version.version} takes further inputs (${[...inputs].join(", ")}), ` +
        `which this page cannot give. Its metadata is below.`,
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
    if (drawing !== state.drawing) return;
    $("direction").max = answer.latents[0].length - 1;
    const drawn = answer.latents.map((latents, i) =>
      newSample(`sample ${i + 1}`, answer.images[i], { latents, shownAs: classes[i] }),
    );
    $("grid").replaceChildren(...[...drawn, ...state.own].map(({ button }) => button));
  } finally {
    if (drawing === state.drawing) $("grid").setAttribute("aria-busy", "false");
  }
}

function givenSeed() {
  const seed = $("seed").value.trim();
  if (!/^-?\d{1,20}$/.test(seed)) throw new Error("The seed must be a whole number of at most 20 digits.");
  return BigInt(seed);
}

// A sample with a button that chooses it.
function newSample(name, picture, made) {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  const place = document.createElement("span");
  const sample = { name, button, ...made };
  button.type = "button";
  button.className = "cell";
  button.setAttribute("aria-label", name.replace(/^./, (first) => first.toUpperCase()));
  button.setAttribute("aria-pressed", "false");
  place.className = "place";
  place.hidden = true;
  button.append(canvas, place);
  button.addEventListener("click", () => toggle(sample));
  draw(canvas, picture);
  return sample;
}

// A picture of one's own becomes one more cell, and is chosen.
async function encode() {
  const [model, version] = [state.model.name, state.version.version];
  const seen = sketch.picture();
  const shownAs = Number($("shown-class").value);
  const latents = await api.encode(model, version, seen, further(state.version, "encode", [shownAs]));
  const picture = await api.picture(model, version, latents, further(state.version, "serving_default", [shownAs]));
  if (model !== state.model.name || version !== state.version.version) return;
  draw($("seen"), seen);
  draw($("made"), picture);
  const own = newSample(`your picture ${state.own.length + 1}`, picture, { latents, shownAs });
  state.own.push(own);
  $("grid").append(own.button);
  choose([own]);
}

// Completions of a picture of one's own, of the seed's next latents if others are wanted.
async function complete(others) {
  const given = { images: sketch.picture(), mask: hole.mask() };
  if (given.mask.flat(2).every(Boolean)) {
    throw new Error("Nothing is missing yet: brush over a part of the second field, or hide half of it.");
  }
  const [model, version] = [state.model.name, state.version.version];
  const seed = givenSeed();
  const completing = (state.completing += 1);
  state.others = others ? state.others + 1 : 0;
  const first = COMPLETIONS * state.others;
  const seeds = rowSeeds(seed, first + COMPLETIONS).slice(first);
  const [drawing, painting] = ["sample", "complete"].map((signature) =>
    further(state.version, signature, seeds.map(() => 0)),
  );
  const { latents } = await api.sample(model, version, seeds, drawing);
  const pictures = await api.complete(model, version, given, latents, painting);
  if (completing !== state.completing) return;
  choose([]);
  const original = document.createElement("canvas");
  original.setAttribute("role", "img");
  original.setAttribute("aria-label", "The original");
  draw(original, given.images);
  const samples = latents.map((row, i) =>
    newSample(`completion ${first + i + 1}`, pictures[i], { latents: row, shownAs: 0, given }),
  );
  $("completions").replaceChildren(original, ...samples.map(({ button }) => button));
  $("completed").textContent = `The original and completions ${first + 1} to ${first + COMPLETIONS}: choose them as you do samples.`;
  $("others").disabled = false;
}

// Choosing pictures, and walking between them

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
function drawn(made) {
  state.made = made;
  for (const id of ["save-picture", "save-latents"]) $(id).disabled = made === null;
}

function say(text) {
  $("place").textContent = text;
  $("picture").setAttribute("aria-label", text);
}

function where() {
  const names = state.chosen.map(({ name }) => name);
  const across = Math.round(100 * $("across").value);
  const down = Math.round(100 * $("down").value);
  if (names.length === 1) return names[0].startsWith("your") ? `Made from ${names[0]}.` : `The picture of ${names[0]}.`;
  const line = `${across} % of the way from ${names[0]} to ${names[1]}`;
  if (names.length === 2) return `${line}.`;
  if (names.length === 3) return `${line}. Choose a fourth picture for the square.`;
  return `${line}, and ${down} % down to ${names[2]} and ${names[3]}.`;
}

// A walk keeps the class of its first picture, or what that completes.
async function pictureOf(latents, given) {
  const [model, version] = [state.model.name, state.version.version];
  const classes = [Number($("shown-class").value)];
  if (!given) return api.picture(model, version, latents, further(state.version, "serving_default", classes));
  return (await api.complete(model, version, given, [latents], further(state.version, "complete", classes)))[0];
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
      const corners = state.chosen.map(({ latents }) => latents);
      const point = between(corners, Number($("across").value), Number($("down").value));
      const latents = moved(point, state.moves);
      const text = where();
      showDirection(latents);
      const { given } = state.chosen[0];
      const picture = await pictureOf(latents, given);
      if (state.chosen.length === 0) break;
      draw($("picture"), picture);
      drawn({ latents, ...given });
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
$("direction").addEventListener("input", () => state.made && showDirection(state.made.latents));
$("amount").addEventListener("input", () => { state.moves.set(direction(), Number($("amount").value)); show(); });
$("reset").addEventListener("click", () => { state.moves.clear(); show(); });
$("shown-class").addEventListener("change", show);
$("encode").addEventListener("submit", (event) => { event.preventDefault(); attempt(encode); });
$("complete").addEventListener("submit", (event) => { event.preventDefault(); attempt(() => complete(false)); });
$("others").addEventListener("click", () => attempt(() => complete(true)));
$("lower").addEventListener("click", () => hole.set((y) => y >= 0.5));
$("right").addEventListener("click", () => hole.set((y, x) => x >= 0.5));
$("nothing").addEventListener("click", () => hole.set(() => false));
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
  const content = { model: name, version: Number(state.version.version), ...state.made };
  if (classCount(state.version)) content.condition = Number($("shown-class").value);
  save(new Blob([JSON.stringify(content)], { type: "application/json" }), "latents.json");
});

attempt(lookAgain);
