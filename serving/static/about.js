// The description of a version.

function text(value) {
  if (value === null || value === undefined) return "unknown";
  if (Array.isArray(value)) {
    return `[${value.map((v) => (v === null || v === -1 ? "any" : text(v))).join(", ")}]`;
  }
  if (typeof value === "object") {
    return Object.entries(value).map(([key, v]) => `${key}: ${text(v)}`).join(", ");
  }
  return String(value);
}

const tensors = (infos) =>
  Object.entries(infos)
    .map(([name, { dtype, shape }]) => `${name} ${dtype.replace("DT_", "").toLowerCase()} ${text(shape)}`)
    .join(", ");

export function describe(list, model, version) {
  const entries = [
    ["Model", `${model.name}, version ${version.version}`],
    ...Object.entries(model.labels)
      .filter(([, number]) => String(number) === version.version)
      .map(([label]) => ["Label", label]),
    ...Object.entries(version.metadata ?? {}).map(([key, value]) => [key.replaceAll("_", " "), text(value)]),
    ...Object.entries(version.signatures).map(([name, { inputs, outputs }]) => [
      `Signature ${name}`,
      `${tensors(inputs)} → ${tensors(outputs)}`,
    ]),
  ];
  list.replaceChildren(
    ...entries.flatMap(([term, detail]) => {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = term;
      dd.textContent = detail;
      return [dt, dd];
    }),
  );
}
