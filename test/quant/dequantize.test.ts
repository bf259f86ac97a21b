// Reading every block format: bit for bit what ggml reads, at any byte offset, and clear errors for wrong sizes.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { BLOCK_FORMATS, dequantize, rowBytes } from '../../src/quant/quant.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';
import { expectedHashes, floatsOf, ggmlBytes, NUM_ELEMENTS, referenceTypes } from './reference-rows.ts';

const allTypes = Object.keys(GGML_TYPES) as GgmlType[];

function readAll(type: GgmlType, bytes: Uint8Array): Float32Array {
  const out = new Float32Array(NUM_ELEMENTS);
  dequantize(type, bytes, out, NUM_ELEMENTS);
  return out;
}

describe('dequantize', () => {
  it.each(referenceTypes)('reads %s exactly as ggml does', (type) => {
    const values = readAll(type, ggmlBytes(type));
    expect(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex')).toBe(expectedHashes[type]);
  });

  it('has reference bytes for every type but the trivial ones and activations', () => {
    const without = allTypes.filter((type) => !referenceTypes.includes(type));
    expect(without.sort()).toEqual(['F32', 'F64', 'I16', 'I32', 'I64', 'I8', 'Q8_1', 'Q8_K']);
  });

  it.each(referenceTypes)('reads %s from any byte offset and into any place', (type) => {
    const bytes = ggmlBytes(type);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const out = new Float32Array(NUM_ELEMENTS + 5);
    dequantize(type, shifted.subarray(3), out.subarray(5), NUM_ELEMENTS);
    expect(out.subarray(5)).toEqual(readAll(type, bytes));
  });

  it.each(allTypes)('writes only the elements asked for of %s', (type) => {
    const { blockSize, blockBytes } = GGML_TYPES[type];
    const out = new Float32Array(2 * blockSize).fill(7);
    dequantize(type, new Uint8Array(2 * blockBytes), out, blockSize);
    expect(out.subarray(0, blockSize).includes(7)).toBe(false);
    expect(out.subarray(blockSize).every((value) => value === 7)).toBe(true);
  });

  it('reads plain numbers', () => {
    const read = (type: GgmlType, source: ArrayBufferView & { readonly length: number }): number[] => {
      const out = new Float32Array(source.length);
      dequantize(type, new Uint8Array(source.buffer as ArrayBuffer), out, source.length);
      return [...out];
    };
    expect(read('F32', Float32Array.of(0.1, -2))).toEqual([Math.fround(0.1), -2]);
    expect(read('F64', Float64Array.of(0.1, -1e300))).toEqual([Math.fround(0.1), -Infinity]);
    expect(read('I8', Int8Array.of(-128, 127))).toEqual([-128, 127]);
    expect(read('I16', Int16Array.of(-32768, 32767))).toEqual([-32768, 32767]);
    expect(read('I32', Int32Array.of(-(2 ** 31), 5))).toEqual([-(2 ** 31), 5]);
    expect(read('I64', BigInt64Array.of(-1n, 2n ** 40n))).toEqual([-1, 2 ** 40]);
  });

  it('refuses partial blocks, missing bytes and missing room', () => {
    const out = new Float32Array(256);
    expect(() => dequantize('Q4_K', new Uint8Array(144), out, 255)).toThrow(InvalidArgumentError);
    expect(() => dequantize('Q4_K', new Uint8Array(143), out, 256)).toThrow(/143 bytes/);
    expect(() => dequantize('Q4_K', new Uint8Array(144), out.subarray(1), 256)).toThrow(/room for 255/);
    expect(() => rowBytes('F32', -1)).toThrow(InvalidArgumentError);
    expect(rowBytes('Q6_K', 512)).toBe(420);
  });

  it('has a format for every type', () => {
    expect(Object.keys(BLOCK_FORMATS).sort()).toEqual([...allTypes].sort());
  });
});

describe.skipIf(!fixturesDir())('dequantize against the shared reference data', () => {
  it.each(referenceTypes)('agrees on every element of %s', (type) => {
    const bytes = new Uint8Array(readFileSync(fixture('quant', type, 'quantised.bin')));
    const expected = floatsOf(new Uint8Array(readFileSync(fixture('quant', type, 'dequantised.f32.bin'))));
    expect(new Uint32Array(readAll(type, bytes).buffer)).toEqual(new Uint32Array(expected.buffer));
  });
});
