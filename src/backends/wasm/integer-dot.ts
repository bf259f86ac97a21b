// Whether the machine multiplies bytes and adds four products to an i32 lane in one instruction (x86: AVX-VNNI, ARM: dotprod)
// and the engine uses it. Only then are the `dot` kernels faster than the `relaxed` ones.

/** A module with one function, f: the sum of four products 127 · 255 by i32x4.relaxed_dot_i8x16_i7x16_add_s. */
const PROBE = Uint8Array.of(
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0, 10, 64, 1, 62, 0,
  0xfd, 12, ...new Array<number>(16).fill(127), 0xfd, 12, ...new Array<number>(16).fill(255),
  0xfd, 12, ...new Array<number>(16).fill(0), 0xfd, 0x93, 2, 0xfd, 27, 0, 0x0b,
);

/**
 * 255 is no 7-bit number, so what it gives tells the instruction: VNNI takes it for unsigned, ARM's sdot for −1. Elsewhere two
 * products are added first and saturate (x86 without VNNI), or the sum is wrong for all operands (Node 20).
 */
const ONE_INSTRUCTION: readonly number[] = [4 * 127 * 255, 4 * 127 * -1];

/** False also where the host compiles no bytes, or relaxed SIMD is unknown. */
export function hasIntegerDot(): boolean {
  if (!WebAssembly.validate(PROBE)) return false;
  try {
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(PROBE)).exports as { readonly f: () => number };
    return ONE_INSTRUCTION.includes(f());
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return false;
    throw error;
  }
}
