// What a block format must be able to do, and the roundings that all of them share.

export interface BlockFormat {
  /** Writes the values of the block that starts at `bytes[at]` to `out[to…]`. */
  dequantizeBlock(bytes: Uint8Array, at: number, out: Float32Array, to: number): void;
  /** Writes the block that stands for `values` (exactly one block) to `bytes[at…]`, which holds zeros. */
  quantizeBlock?(values: Float32Array, bytes: Uint8Array, at: number): void;
}

/** The signed value of a byte. */
export function signed(byte: number): number {
  return (byte << 24) >> 24;
}

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** The nearest integer, halves away from zero (C's roundf). */
export function roundHalfAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

/** From here on doubles are 1 apart, so that adding it rounds. */
const ROUNDING_OFFSET = 1.5 * 2 ** 52;

/** The nearest integer, halves to even; for magnitudes below 2^51. */
export function roundHalfEven(value: number): number {
  return value + ROUNDING_OFFSET - ROUNDING_OFFSET;
}

/** 1 / d in float32, and 0 for 0: the factor that a block of zeros needs. */
export function inverse(d: number): number {
  return d === 0 ? 0 : Math.fround(1 / d);
}

/** The value farthest from zero, with its sign. */
export function largest(values: Float32Array): number {
  let best = 0;
  for (const value of values) if (Math.abs(value) > Math.abs(best)) best = value;
  return best;
}
