// What the page asks of the server: its catalogue, and TensorFlow Serving's REST interface.

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

export const catalogue = () => ask("/explorer/catalogue.json");

function predict(model, version, signature, inputs) {
  const path = `/v1/models/${encodeURIComponent(model)}/versions/${version}:predict`;
  // Written by hand: seeds are 64-bit integers, which JSON.stringify does not take.
  const body = `{"signature_name": ${JSON.stringify(signature)}, "inputs": ${inputs}}`;
  return ask(path, { method: "POST", body });
}

// Pictures and latents of rows with these seeds.
export async function sample(model, version, seeds) {
  const { outputs } = await predict(model, version, "sample", `{"seed": [${seeds.join(",")}]}`);
  return outputs;
}

// The picture of one row of latents.
export async function picture(model, version, latents) {
  const inputs = `{"latents": [${JSON.stringify(latents)}]}`;
  const { outputs } = await predict(model, version, "serving_default", inputs);
  return outputs[0];
}
