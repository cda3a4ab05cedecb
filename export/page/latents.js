// From a seed to latents, as keras_gan draws them: SplitMix64 gives the random bits, one stream a row, so that a
// row depends on the seed and its place alone.

const MASK = (1n << 64n) - 1n;

function mixed(z) {
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

// Output i, counted from 0, of a generator that starts at `state`.
const output = (state, i) => mixed((state + BigInt(i + 1) * 0x9e3779b97f4a7c15n) & MASK);

// `columns` words of 32 bits for the row with this seed.
function words(seed, columns) {
  const start = mixed(seed);
  return Array.from({ length: columns }, (_, i) => Number(output(start, i) >> 32n));
}

const uniform = (word) => ((word >>> 9) + 0.5) * 2 ** -23;

// The standard normal quantile to 1e-7, for probabilities above 1e-11 (Wichura 1988, AS 241, PPND7).
function normalQuantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    );
  }
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p))) - 1.6;
  const size =
    (((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777) /
    ((0.12021132975 * r + 0.7370016425) * r + 1);
  return Math.sign(q) * size;
}

// A row on the unit sphere; one of zeros stays.
function unit(row) {
  const length = Math.hypot(...row) || 1;
  return row.map((value) => value / length);
}

const normals = (bits) => bits.map((word) => normalQuantile(uniform(word)));

// The latents of the row with this seed, for each kind of prior.
const PRIORS = {
  uniform: (prior, seed) => words(seed, prior.dimension).map((word) => (uniform(word) - 0.5) * 2 * Math.sqrt(3)),
  normal: (prior, seed) => normals(words(seed, prior.dimension)),
  spherical: (prior, seed) => unit(normals(words(seed, prior.dimension))),
  mixture(prior, seed) {
    const [word, ...others] = words(seed, prior.dimension + 1);
    const half = prior.components / 2;
    const chosen = Math.floor((word / 2 ** 32) * prior.components);
    return normals(others).map((value, i) => {
      const negative = output(0n, (chosen % half) * prior.dimension + i) >> 63n === 1n;
      return Math.SQRT1_2 * (value + (negative === chosen < half ? -1 : 1));
    });
  },
};

// Latents of rows 0 to n-1 of a seed, those of Python's `generate(n, seed)`.
export function draw(prior, seed, n) {
  return Array.from({ length: n }, (_, i) => PRIORS[prior.name](prior, output(seed, i)));
}

// The latents at this share of the way from one row to another; those of a spherical prior stay on the sphere.
export function between(prior, one, other, share) {
  const row = one.map((value, i) => (1 - share) * value + share * other[i]);
  return prior.name === "spherical" ? unit(row) : row;
}
