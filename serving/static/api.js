// Requests to the server: its catalog, and TensorFlow Serving's REST interface.

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(
      response.ok
        ? "The answer holds values that cannot be shown (NaN or infinite)."
        : `The server answered with HTTP status ${response.status}.`,
    );
  }
  if (!response.ok) throw new Error(answer.error ?? `HTTP status ${response.status}`);
  return answer;
}

// The models; each of their versions has the name of its model, too.
export async function catalog() {
  const models = await ask("/explorer/catalog.json");
  for (const { name, versions } of models) for (const version of versions) version.model = name;
  return models;
}

// Seeds are 64-bit integers, which JSON.stringify refuses.
function json(value) {
  if (Array.isArray(value)) return `[${value.map(json).join(",")}]`;
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

function predict({ model, version }, signature, inputs) {
  const path = `/v1/models/${encodeURIComponent(model)}/versions/${version}:predict`;
  const named = Object.entries(inputs).map(([name, rows]) => `${JSON.stringify(name)}: ${json(rows)}`);
  const body = `{"signature_name": ${JSON.stringify(signature)}, "inputs": {${named.join(", ")}}}`;
  // Named JSON: behind a proxy, the server may take the page for one of another origin.
  return ask(path, { method: "POST", body, headers: { "content-type": "application/json" } });
}

// `more` has further inputs by name, a row each: the condition of a conditional model.

// Images and latents of rows with these seeds.
export async function sample(version, seeds, more) {
  const { outputs } = await predict(version, "sample", { seed: seeds, ...more });
  return outputs;
}

// Images of rows of latents.
export async function images(version, latents, more) {
  const { outputs } = await predict(version, "serving_default", { latents, ...more });
  return outputs;
}

// Inpaintings of one image, a row for each of these latents; `mask` is true where it is known.
export async function inpaint(version, { images, mask }, latents, more) {
  const given = { images: latents.map(() => images), mask: latents.map(() => mask) };
  const { outputs } = await predict(version, "inpaint", { ...more, ...given, latents });
  return outputs;
}

// The latents of one image.
export async function encode(version, image, more) {
  const { outputs } = await predict(version, "encode", { images: [image], ...more });
  return outputs[0];
}
