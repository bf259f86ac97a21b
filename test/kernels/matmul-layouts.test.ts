// The interleaved layouts: the repacking kernels against the plain specification, and rows taken out again.
import { describe, expect, it } from 'vitest';
import { extractRow, interleaveGroup, isInterleavable } from '../../src/backends/wasm/layouts.ts';
import { layoutFor, repackRows, scratchBytes } from '../../src/backends/wasm/matmul.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { openKernels, placeBytes } from './kernel-memory.ts';
import { randomWeights } from './random-weights.ts';

const TYPES = (Object.keys(GGML_TYPES) as GgmlType[]).filter(isInterleavable);

describe.each(TYPES)('%s interleaved', (type) => {
  const { blockSize, blockBytes } = GGML_TYPES[type];

  it.each([1, 2, 5])('%i blocks: kernel and specification agree, and rows come back', (blocks) => {
    const rows = 12, cols = blocks * blockSize, rowBytes = blocks * blockBytes;
    const bytes = randomWeights(type, rows * cols, 7 + blocks);
    const kernels = openKernels('baseline', 8);
    const ptr = placeBytes(kernels, bytes);
    const weight = { name: type, type, layout: 'interleaved4', rows: 6, cols, depth: 2, ptr, rowBytes } as const;
    const scratch = kernels.arena.allocate(scratchBytes(weight), 'scratch');
    repackRows(kernels, weight, 0, 4, scratch);
    repackRows(kernels, weight, 4, rows, scratch);

    const expected = bytes.slice();
    const copy = new Uint8Array(4 * rowBytes);
    for (let row = 0; row < rows; row += 4) {
      interleaveGroup(type, expected.subarray(row * rowBytes, (row + 4) * rowBytes), copy);
    }
    expect(Buffer.compare(kernels.bytes(ptr, bytes.length), expected)).toBe(0);

    const back = new Uint8Array(rowBytes);
    for (let row = 0; row < rows; row++) {
      extractRow(type, expected.subarray((row & ~3) * rowBytes, ((row & ~3) + 4) * rowBytes), row & 3, back);
      expect(back).toEqual(bytes.subarray(row * rowBytes, (row + 1) * rowBytes));
    }
  });
});

describe('layoutFor', () => {
  it('interleaves whole groups of 4 rows of whole blocks, and leaves the rest as it is', () => {
    expect(layoutFor('Q4_K', 8, 512)).toBe('interleaved4');
    expect(layoutFor('Q4_K', 6, 512)).toBe('gguf');
    expect(layoutFor('Q8_0', 4, 40)).toBe('gguf');
    expect(layoutFor('F16', 8, 512)).toBe('gguf');
    expect(layoutFor('IQ2_XS', 8, 512)).toBe('gguf');
  });
});
