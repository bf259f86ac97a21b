// The fixed tables at the start of linear memory, and how they are written. Addresses: assembly/memory-map.ts.
import {
  EVEN_SIGNS, IQ1_S_GRID, IQ2_S_GRID, IQ2_XS_GRID, IQ2_XXS_GRID, IQ3_S_GRID, IQ3_XXS_GRID, IQ4_LEVELS,
} from '../../quant/iq-grids.ts';

/** Arenas begin here; everything below is reserved. */
export const ARENA_BASE = 65536;

const bytes = (value: number): Uint8Array => new Uint8Array(16).fill(value);
const words = (value: number): Uint8Array => new Uint8Array(new Uint32Array(4).fill(value).buffer);

/** Byte p of each 32-bit lane, twice, as 16-bit numbers; 255 picks zero. */
const scalePairs = (p: number): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 4 * (i >> 2) + p : 255));

/** E2M1 times two: 0, ½, 1, 1½, 2, 3, 4, 6 and their negatives. */
const MXFP4_DOUBLED = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** Name, address and contents of every table. */
export const TABLES: readonly (readonly [name: string, ptr: number, data: Uint8Array | Int8Array])[] = [
  ['NIBBLE_MASK', 1024, bytes(0x0f)],
  ['ONES_I16', 1040, words(0x00010001)],
  ['F16_MASK', 1056, words(0x8fffe000)],
  ['F16_SCALE', 1072, words(0x77800000)],
  ['BIT4_MASK', 1088, bytes(0x10)],
  ['BITS45_MASK', 1104, bytes(0x30)],
  ['BITS01_MASK', 1120, bytes(0x03)],
  ['BIT2_MASK', 1136, bytes(0x04)],
  ['SCALE_PAIRS', 1152, Uint8Array.from([0, 1, 2, 3].flatMap((p) => [...scalePairs(p)]))],
  ['HIGH_BYTES', 1216, words(0xff00ff00)],
  ['IQ4_VALUES', 2048, IQ4_LEVELS],
  ['MXFP4_VALUES', 2064, MXFP4_DOUBLED],
  ['IQ_SIGNS', 2080, EVEN_SIGNS],
  ['IQ2_XXS_GRID', 4096, IQ2_XXS_GRID],
  ['IQ2_XS_GRID', 6144, IQ2_XS_GRID],
  ['IQ2_S_GRID', 10240, IQ2_S_GRID],
  ['IQ3_XXS_GRID', 18432, IQ3_XXS_GRID],
  ['IQ3_S_GRID', 19456, IQ3_S_GRID],
  ['IQ1_S_GRID', 21504, IQ1_S_GRID],
];

/** Writes all fixed tables; once per memory, before any kernel runs on it. */
export function writeTables(memory: WebAssembly.Memory): void {
  const target = new Uint8Array(memory.buffer, 0, ARENA_BASE);
  for (const [, ptr, data] of TABLES) target.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), ptr);
}
