// Exact conversions between float32 and the 16-bit floats: IEEE half (f16) and bfloat16 (bf16).

const float32 = new Float32Array(1);
const bits32 = new Uint32Array(float32.buffer);

/** 2^(e - 25) for the biased exponents 0 … 30: what the integer 1024 + mantissa is multiplied by. */
const HALF_SCALES = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 25));
const HALF_SUBNORMAL = 2 ** -24;

/** The value of an f16 given by its 16 bits. */
export function halfToFloat(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * HALF_SUBNORMAL;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * HALF_SCALES[exponent];
}

/** The bits of the f16 nearest to a float32, ties to even; beyond 65504 (rounded) infinity. */
export function floatToHalf(value: number): number {
  float32[0] = value;
  const bits = bits32[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // In [0.5, 1) a float32 steps by 2^-24, the step of f16 subnormals, so the addition does the rounding.
    float32[0] = Math.abs(float32[0]) + 0.5;
    return sign | (bits32[0] - 0x3f000000);
  }
  return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
}

/** The value of a bf16 given by its 16 bits. */
export function bf16ToFloat(bits: number): number {
  bits32[0] = bits << 16;
  return float32[0];
}

/** The bits of the bf16 nearest to a float32, ties to even; a NaN stays one. */
export function floatToBf16(value: number): number {
  float32[0] = value;
  const bits = bits32[0];
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The f16 that lies at byte `at`, little-endian. */
export function readHalf(bytes: Uint8Array, at: number): number {
  return halfToFloat(bytes[at] | (bytes[at + 1] << 8));
}

/** Stores the f16 nearest to `value` at byte `at` and returns what was stored. */
export function writeHalf(bytes: Uint8Array, at: number, value: number): number {
  const bits = floatToHalf(value);
  bytes[at] = bits & 255;
  bytes[at + 1] = bits >> 8;
  return halfToFloat(bits);
}
