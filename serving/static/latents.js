// Arithmetic on seeds and latents.

const MASK = (1n << 64n) - 1n;

// Seeds of rows 0 to n-1: outputs 1 to n of SplitMix64, read as signed. Row i depends on the seed and i alone.
export function rowSeeds(seed, n) {
  const seeds = [];
  for (let i = 1n; i <= BigInt(n); i += 1n) {
    let z = (seed + i * 0x9e3779b97f4a7c15n) & MASK;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    seeds.push(BigInt.asIntN(64, z ^ (z >> 31n)));
  }
  return seeds;
}

// Rows of latents with this truncation.
export const truncated = (rows, truncation) => rows.map((row) => row.map((x) => truncation * x));

const mix = (from, to, share) => from.map((value, i) => (1 - share) * value + share * to[i]);

// The point of the line (two corners) or the square (four: top left, top right, bottom left, bottom right).
export function between(corners, across, down) {
  if (corners.length < 2) return [...corners[0]];
  const top = mix(corners[0], corners[1], across);
  return corners.length < 4 ? top : mix(top, mix(corners[2], corners[3], across), down);
}

// How far latents go along a direction, a vector of length 1.
export const along = (latents, direction) => latents.reduce((sum, value, i) => sum + value * direction[i], 0);

export const spherical = (prior) => prior?.name === "spherical";

// The nearest latents of a spherical prior, whose length is 1; those of others are where they are.
export function inSupport(latents, prior) {
  const length = Math.sqrt(along(latents, latents));
  return spherical(prior) && length > 0 ? latents.map((x) => x / length) : latents;
}

// Latents moved along directions, one after another, each until they go so far along it; those of a spherical prior
// stay on the sphere.
export function moved(latents, moves, prior) {
  return moves.reduce((from, [direction, value]) => {
    const now = along(from, direction);
    const rest = from.map((x, i) => x - now * direction[i]);
    const left = Math.sqrt(Math.max(0, 1 - value ** 2)); // for the rest on the sphere
    const scale = spherical(prior) ? left / (Math.sqrt(along(rest, rest)) || 1) : 1;
    return inSupport(rest.map((x, i) => scale * x + value * direction[i]), prior);
  }, inSupport(latents, prior));
}
