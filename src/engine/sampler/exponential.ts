// Powers of e in additions and multiplications only, so that every runtime draws the same token from the same logits:
// Math.exp may differ between engines in the last bit. A quarter of its time (measured, V8 11), relative error below
// 1e-11, which is beneath what a draw of 32 bits can tell.

const STEPS = 1024;
const NUM_WHOLE = 1024;

/** 2^−i; the last is 0. */
const WHOLE = new Float64Array(NUM_WHOLE);
WHOLE.forEach((_, i) => (WHOLE[i] = i === 0 ? 1 : WHOLE[i - 1] / 2));
WHOLE[NUM_WHOLE - 1] = 0;

/** 2^(−i/STEPS), from square roots: IEEE 754 rounds those alike everywhere. */
const FRACTION = new Float64Array(STEPS).fill(1);
for (let bit = STEPS / 2, root = Math.sqrt(0.5); bit >= 1; bit /= 2, root = Math.sqrt(root)) {
  for (let i = 0; i < STEPS; i++) if (i & bit) FRACTION[i] *= root;
}

/**
 * Writes e^((logit − highest) · scale) for the first `size` logits into `weights` and returns their sum. No logit may
 * be above `highest`, whose own weight is exactly 1.
 */
export function exponentials(
  logits: Float32Array, size: number, highest: number, scale: number, weights: Float64Array,
): number {
  // Numbers, and tables in local constants: bundlers make variables of a module's constants, which are read anew each
  // time (measured: 1.6 ×).
  const [whole, fraction] = [WHOLE, FRACTION];
  const stepsPerOne = (scale * 1024) / Math.LN2;
  const perStep = Math.LN2 / 1024;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const distance = Math.min((highest - logits[i]) * stepsPerOne, 1023 * 1024);
    const steps = (distance + 0.5) | 0;
    const rest = (steps - distance) * perStep;
    const weight = (1 + rest * (1 + rest * 0.5)) * fraction[steps & 1023] * whole[steps >> 10];
    weights[i] = weight;
    sum += weight;
  }
  return sum;
}
