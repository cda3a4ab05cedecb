// The inputs of a version's signatures, and which of them the page can give.

import { filled } from "./images.js";

// The shape [h, w, c] of a signature's input images, if the page can use the signature and the model.
export function inputShape(version, signature, output) {
  const { inputs, outputs } = version.signatures[signature] ?? { inputs: {}, outputs: {} };
  const shape = inputs.images?.shape ?? [];
  const usable = [signature, "sample", "serving_default"].every(
    (name) => version.signatures[name] && unknown(version, name).length === 0,
  );
  return usable && outputs[output] && [1, 3, 4].includes(shape[3]) ? shape.slice(1) : null;
}

// How many classes the model has; 0 if it is not conditional on a class.
export function classCount(version) {
  const { metadata, signatures } = version;
  const condition = metadata?.condition;
  return signatures.serving_default?.inputs.condition && condition?.name === "classes" ? condition.count : 0;
}

// The number of each class and how it is shown, with its name if the export has one.
export function classNames(version) {
  const names = version.metadata?.condition?.class_names;
  return Array.from({ length: classCount(version) }, (_, i) => {
    const name = Array.isArray(names) && typeof names[i] === "string" ? names[i] : String(i);
    return [String(i), name === String(i) ? name : `${i}: ${name}`];
  });
}

// Further inputs of a signature for rows of these classes and seeds of noise; no pixel is known.
export function further(version, signature, classes, noiseSeeds = classes.map(() => 0)) {
  const { inputs } = version.signatures[signature];
  const more = {};
  if (inputs.condition) more.condition = classes;
  if (inputs.noise_seed) more.noise_seed = noiseSeeds;
  if (inputs.known) more.known = classes.map(() => filled(inputs.known.shape.slice(1), 0));
  if (inputs.mask) more.mask = classes.map(() => filled(inputs.mask.shape.slice(1), false));
  return more;
}

// Inputs of a signature that the page cannot give.
export function unknown(version, signature) {
  const { signatures } = version;
  const supported = ["seed", "latents", "images", "noise_seed"];
  if (classCount(version)) supported.push("condition");
  if (signatures.inpaint) supported.push("known", "mask");
  return Object.keys(signatures[signature].inputs).filter((name) => !supported.includes(name));
}
