// What a version's signatures take, and what of that the page can give.

import { filled } from "./pictures.js";

// The shape [h, w, c] of the pictures that a signature takes, if the page can give them and explore the model.
export function taken(version, signature, output) {
  const { inputs, outputs } = version.signatures[signature] ?? { inputs: {}, outputs: {} };
  const shape = inputs.images?.shape ?? [];
  const usable = [signature, "sample", "serving_default"].every(
    (name) => version.signatures[name] && unknown(version, name).length === 0,
  );
  return usable && outputs[output] && [1, 3, 4].includes(shape[3]) ? shape.slice(1) : null;
}

// How many classes the model tells apart; 0 if it has none.
export function classCount(version) {
  const { metadata, signatures } = version;
  const condition = metadata?.condition;
  return signatures.serving_default?.inputs.condition && condition?.name === "classes" ? condition.count : 0;
}

// Further inputs of a signature for rows of these classes: noise has the seed 0, of a picture nothing is known.
export function further(version, signature, classes) {
  const { inputs } = version.signatures[signature];
  const more = {};
  if (inputs.condition) more.condition = classes;
  if (inputs.noise_seed) more.noise_seed = classes.map(() => 0);
  if (inputs.known) more.known = classes.map(() => filled(inputs.known.shape.slice(1), 0));
  if (inputs.mask) more.mask = classes.map(() => filled(inputs.mask.shape.slice(1), false));
  return more;
}

// Inputs of a signature that the page cannot give.
export function unknown(version, signature) {
  const { signatures } = version;
  const known = ["seed", "latents", "images", "noise_seed"];
  if (classCount(version)) known.push("condition");
  if (signatures.complete) known.push("known", "mask");
  return Object.keys(signatures[signature].inputs).filter((name) => !known.includes(name));
}
