// The view as text for the end of the page's address, so that a link restores it.

const direction = "p?\\d{1,6}"; // a principal direction, counted from 1, or a single dimension
const RULES = {
  model: ".+",
  version: "\\d{1,19}",
  seed: "-?\\d{1,20}",
  images: "\\d{1,4}",
  class: "\\d{1,6}",
  truncation: "[01](\\.\\d{1,2})?|2",
  samples: "\\d{1,4}(,\\d{1,4}){0,3}", // the chosen ones, counted from 1
  across: "0(\\.\\d{1,20})?|1",
  down: "0(\\.\\d{1,20})?|1",
  as: "\\d{1,6}", // the class that the latents are shown as
  direction,
  moves: `(${direction}:-?\\d{1,6}(\\.\\d{1,20})?(e-\\d{1,3})?(,|$))*`,
};

export function write(view) {
  const given = Object.entries(view).filter(([, value]) => value !== undefined && value !== "");
  return `#${new URLSearchParams(given)}`.replaceAll("%2C", ",").replaceAll("%3A", ":");
}

// The view by name, as texts of the right form, and what has no name or form that is known.
export function read(hash) {
  const [view, damaged] = [{}, []];
  for (const [name, value] of new URLSearchParams(hash.slice(1))) {
    if (Object.hasOwn(RULES, name) && new RegExp(`^(${RULES[name]})$`).test(value)) view[name] = value;
    else damaged.push(name);
  }
  return { view, damaged };
}
