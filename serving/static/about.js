// The card of a version: what it is, its numbers and its signatures; everything else in a fold.

function make(tag, content = "", attributes = {}) {
  const element = document.createElement(tag);
  element.append(...[content].flat());
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

const shape = (sizes) => `[${sizes.map((n) => (n === null || n === -1 ? "any" : n)).join(", ")}]`;

const tensors = (infos) =>
  Object.entries(infos)
    .map(([name, info]) => `${name} ${info.dtype.replace("DT_", "").toLowerCase()} ${shape(info.shape)}`)
    .join(", ");

// The metadata of an export may hold anything: what is missing is left out.
function facts(metadata, bytes) {
  const { recipe, weights, truncation = 1, training, images, prior, condition } = metadata;
  const made = [recipe, weights && `${weights} weights`, truncation !== 1 && `truncation ${truncation}`];
  const sizes = Array.isArray(images?.shape) ? shape(images.shape) : "";
  const range = Array.isArray(images?.range) ? `, values from ${images.range.join(" to ")}` : "";
  return [
    ["Recipe", recipe && made.filter(Boolean).join(", ")],
    ["Data", training?.data && `${training.data}, ${training.epochs} epochs, fingerprint ${training.fingerprint}`],
    ["Examples", sizes && sizes + range],
    ["Latents", prior?.name && `${prior.dimension}, prior ${prior.name}`],
    ["Condition", condition?.name && `${condition.name}${condition.count ? `, ${condition.count}` : ""}`],
    ["Size", `${(bytes / 1e6).toFixed(1)} MB`],
  ].filter(([, text]) => text);
}

function numbers(rows) {
  const head = ["Number", "Samples", "Training examples in their place"].map((text) => make("th", text, { scope: "col" }));
  const body = rows.map(({ name, text, floor_text, protocol }) =>
    make(
      "tr",
      [make("th", String(name), { scope: "row" }), make("td", String(text)), make("td", String(floor_text || ""))],
      { title: String(protocol ?? "") },
    ),
  );
  return make("table", [make("thead", make("tr", head)), make("tbody", body)]);
}

// Long lists of numbers, as the directions have, are not for people.
const printed = (name, value) => (name === "vectors" && Array.isArray(value) ? `${value.length} vectors` : value);

// A version and its labels, as in "2 (canary)".
export function numbered(model, { version }) {
  const labels = Object.keys(model.labels).filter((label) => model.labels[label] === version);
  return labels.length ? `${version} (${labels.join(", ")})` : version;
}

export function describe(card, model, version) {
  const metadata = version.metadata instanceof Object ? version.metadata : {};
  const rows = Array.isArray(metadata.numbers) ? metadata.numbers.filter((row) => row instanceof Object) : [];
  const signatures = Object.entries(version.signatures).map(([name, { inputs, outputs }]) =>
    make("li", [make("code", name), `: ${tensors(inputs)} → ${tensors(outputs)}`]),
  );
  card.replaceChildren(
    make("p", [make("strong", model.name), `, version ${numbered(model, version)}`]),
    make(
      "dl",
      facts(metadata, version.bytes).flatMap(([term, text]) => [make("dt", term), make("dd", text)]),
    ),
    ...(rows.length ? [make("h3", "Numbers"), numbers(rows)] : []),
    make("h3", "Signatures"),
    make("ul", signatures),
    make("details", [make("summary", "All metadata"), make("pre", JSON.stringify(version.metadata, printed, 2), { tabindex: "0" })]),
  );
}
