// Directions to move latents along: the principal ones of an export, and single dimensions.

const DEVIATIONS = 3; // of the latents along a direction, to both sides

// Those in the metadata of an export, which may hold anything: vectors of this length, and their shares.
export function principal(metadata, length) {
  const { vectors, share } = metadata?.directions ?? {};
  if (!Array.isArray(vectors) || !Array.isArray(share)) return [];
  const usable = (vector) => Array.isArray(vector) && vector.length === length && vector.every(Number.isFinite);
  return vectors
    .map((vector, i) => ({ vector, share: share[i] }))
    .filter((one) => usable(one.vector) && Number.isFinite(one.share));
}

// The vector of a name: "p1" is the first principal direction, "0" the first dimension; undefined if there is none.
export function vectorOf(name, directions, length) {
  if (name.startsWith("p")) return directions[Number(name.slice(1)) - 1]?.vector;
  return Number(name) < length ? Array.from({ length }, (_, i) => Number(i === Number(name))) : undefined;
}

// The values that latents usually have along a direction.
export function bounds(name, prior, length) {
  const uniform = Number.isFinite(prior?.low) && Number.isFinite(prior?.high);
  if (uniform && !name.startsWith("p")) return [prior.low, prior.high];
  const spherical = prior?.name === "spherical";
  let deviation = spherical ? 1 / Math.sqrt(length) : 1;
  if (uniform) deviation = (prior.high - prior.low) / Math.sqrt(12);
  const end = Math.min(DEVIATIONS * deviation, spherical ? 1 : Infinity); // no component is longer than the latents
  return [-end, end];
}
