// XXH32 against values of the reference implementation (Python's xxhash 3.5.0).
import { describe, expect, it } from 'vitest';
import { Xxh32, xxh32 } from '../../src/engine/session/xxh32.ts';

const bytes = Uint8Array.from({ length: 300 }, (_, i) => i * i * 7 + 3 * i);
/** Length, hash with seed 0, hash with seed 0x9e3779b1. */
const EXPECTED: readonly (readonly [number, number, number])[] = [
  [0, 46947589, 917998311], [1, 3479547966, 3025427108], [3, 2664711040, 1662804973], [4, 148566754, 3167981806],
  [5, 469272006, 2728096029], [15, 1602409177, 3218226470], [16, 3795324611, 1860745643], [17, 1919688101, 1572223053],
  [31, 1565898952, 47354216], [32, 1877045951, 3519942535], [33, 1182608570, 3697108272], [100, 2092746184, 2925555942],
  [255, 162290124, 1322477519], [300, 1504413554, 1350543741],
];

describe('xxh32', () => {
  it.each(EXPECTED)('hashes %i bytes', (length, plain, seeded) => {
    expect(xxh32(bytes.subarray(0, length))).toBe(plain);
    expect(xxh32(bytes.subarray(0, length), 0x9e3779b1)).toBe(seeded);
  });

  it('hashes parts like the whole, also of an odd address and of shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(303), 3);
    shared.set(bytes);
    const hash = new Xxh32();
    for (let at = 0; at < 300; at += 48) hash.update(shared.subarray(at, Math.min(at + 48, 300)));
    expect(hash.digest()).toBe(1504413554);
  });
});
