// The generator: from latents to images, in ONNX Runtime.

import * as ort from "./onnxruntime-web/ort.wasm.bundle.min.js";

const model = JSON.parse(document.getElementById("model").textContent);
export const { prior, classes, class_names: classNames, shape } = model;

ort.env.wasm.numThreads = 1; // several need headers that a static host does not send
const session = ort.InferenceSession.create("model.onnx", { executionProviders: ["wasm"] });

// The images of rows of latents, each a Float32Array [h * w * c] in [0, 1]; labels are their classes.
export async function generate(latents, labels) {
  const n = latents.length;
  const feeds = { latents: new ort.Tensor("float32", latents.flat(), [n, prior.dimension]) };
  if (classes) feeds.condition = new ort.Tensor("int64", labels.map(BigInt), [n]);
  const { images } = await (await session).run(feeds);
  const size = images.data.length / n;
  return latents.map((_, i) => images.data.subarray(i * size, (i + 1) * size));
}
