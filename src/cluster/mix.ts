/** The finalizer of MurmurHash3, by which each bit changes half of all bits: https://github.com/aappleby/smhasher */
function stir(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Mixes a key of 64 bits with a node's 64 bits. @returns 32 bits, as a whole number from 0 */
export const mix = (low: number, high: number, seed: number, salt: number): number =>
  stir(stir(low ^ seed) ^ Math.imul(high, 0x9e3779b1) ^ salt) >>> 0;

/**
 * Returns -ln((hash + 0.5) / 2^32) / weight: the node with the smallest one wins as often as its weight says.
 * @param hash 32 bits
 */
export const distanceOf = (hash: number, weight: number): number => (32 * LN2 - ln(hash + 0.5)) / weight;

/** More than all rounding of a distance can add up to. */
const MARGIN = 1e-12;

/**
 * Whether the distance is certainly larger than `distance`; it costs a tenth of what the distance costs, by 1 - u <= -ln u.
 * @param hash 32 bits
 */
export const isFartherThan = (distance: number, hash: number, weight: number): boolean =>
  1 - (hash + 0.5) / 2 ** 32 > (distance + MARGIN) * weight;

// Math.LN2 may differ in its last digit, too.
// biome-ignore lint/suspicious/noApproximativeNumericConstant: every machine has to use the same one
const LN2 = 0.6931471805599453;
/** The series of artanh(t) / t in powers of t squared, the highest power first: 1/21, 1/19, … 1/3, 1. */
const ARTANH = Array.from({ length: 11 }, (_, n) => 1 / (21 - 2 * n));

/**
 * The natural logarithm of 0.5 to 2^32, from sums, products and quotients alone: all machines agree on those to the last
 * bit, and a program may compute `Math.log` as it likes. https://tc39.es/ecma262/#sec-math.log
 */
function ln(x: number): number {
  const exponent = x < 1 ? -1 : 31 - Math.clz32(x);
  const mantissa = exponent < 0 ? x * 2 : x / 2 ** exponent;
  // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is below 1/3.
  const t = (mantissa - 1) / (mantissa + 1);
  const t2 = t * t;
  let sum = 0;
  for (const factor of ARTANH) sum = sum * t2 + factor;
  return exponent * LN2 + 2 * t * sum;
}
