// Logits to sample from, made from a seed: bell-shaped, flat, with few and with many ties, with impossible tokens …
import fc from 'fast-check';

export type Shape = 'normal' | 'flat' | 'ties' | 'steps' | 'holes' | 'rising' | 'equal' | 'peak';
export const SHAPES: readonly Shape[] = ['normal', 'flat', 'ties', 'steps', 'holes', 'rising', 'equal', 'peak'];

/** Uniform numbers in [0, 1): mulberry32, unlike the sampler's own generator. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function logitsOf(shape: Shape, size: number, seed: number): Float32Array {
  const next = uniform(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const make: Record<Shape, (id: number) => number> = {
    normal: () => 3 * normal(),
    flat: () => next() / 100,
    ties: () => Math.round(2 * normal()),
    steps: () => Math.round(100 * normal()) / 100,
    holes: () => (next() < 0.4 ? -Infinity : 3 * normal()),
    rising: (id) => (20 * id) / size,
    equal: () => -2.5,
    peak: (id) => (id === Math.floor(size / 3) ? 18 : normal()),
  };
  const logits = Float32Array.from({ length: size }, (_, id) => make[shape](id));
  // One is always possible.
  if (logits[size - 1] === -Infinity) logits[size - 1] = 1;
  return logits;
}

export const someLogits = (maxSize: number): fc.Arbitrary<Float32Array> =>
  fc.tuple(fc.constantFrom(...SHAPES), fc.integer({ min: 1, max: maxSize }), fc.nat())
    .map(([shape, size, seed]) => logitsOf(shape, size, seed));

/** A share that no sum of equal probabilities hits, where rounding would decide. */
export const share: fc.Arbitrary<number> = fc.integer({ min: 1, max: 9998 }).map((n) => (n + 0.31415926) / 10000);
