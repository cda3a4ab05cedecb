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

const mix = (from, to, share) => from.map((value, i) => (1 - share) * value + share * to[i]);

// The point of the line (two corners) or the square (four: top left, top right, bottom left, bottom right).
export function between(corners, across, down) {
  if (corners.length < 2) return [...corners[0]];
  const top = mix(corners[0], corners[1], across);
  return corners.length < 4 ? top : mix(top, mix(corners[2], corners[3], across), down);
}

// How far latents go along a direction, a vector of length 1.
export const along = (latents, direction) => latents.reduce((sum, value, i) => sum + value * direction[i], 0);

// Latents moved along directions, one after another, each until they go so far along it.
export function moved(latents, moves) {
  return moves.reduce((from, [direction, value]) => {
    const step = value - along(from, direction);
    return from.map((x, i) => x + step * direction[i]);
  }, latents);
}
