// Writing block formats: errors no larger than ggml's (plus 5 %), identical bytes where the algorithm is fixed.
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError, UnsupportedModelError } from '../../src/errors.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { canQuantize, dequantize, quantize } from '../../src/quant/quant.ts';
import { ggmlBytes, input, NUM_ELEMENTS, NUM_ROWS, referenceTypes, rowError } from './reference-rows.ts';

const writable = referenceTypes.filter(canQuantize);
const sameBytes: GgmlType[] = ['F16', 'BF16', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'TQ1_0', 'TQ2_0', 'MXFP4'];

function readAll(type: GgmlType, bytes: Uint8Array, numElements = NUM_ELEMENTS): Float32Array {
  const out = new Float32Array(numElements);
  dequantize(type, bytes, out, numElements);
  return out;
}

describe('quantize', () => {
  it('writes the types that convert needs', () => {
    const others = ['Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'IQ4_NL', 'IQ4_XS'];
    expect([...writable].sort()).toEqual([...sameBytes, ...others].sort());
  });

  it.each(sameBytes)('writes the same bytes as ggml for %s', (type) => {
    expect(quantize(type, input)).toEqual(ggmlBytes(type));
  });

  it.each(writable)('loses no more than ggml (+5 %%) on any kind of row as %s', (type) => {
    const ours = readAll(type, quantize(type, input));
    const theirs = readAll(type, ggmlBytes(type));
    for (let row = 0; row < NUM_ROWS; row++) {
      expect(rowError(ours, row), `row ${row}`).toBeLessThanOrEqual(rowError(theirs, row) * 1.05);
    }
  });

  it.each([...sameBytes, 'Q8_1', 'Q8_K'] as GgmlType[])('writes what it read from %s as it was', (type) => {
    const once = readAll(type, quantize(type, input.subarray(0, 1024)), 1024);
    const twice = readAll(type, quantize(type, once), 1024);
    const scale = Math.max(...once.map(Math.abs));
    for (let i = 0; i < once.length; i++) expect(Math.abs(twice[i] - once[i])).toBeLessThanOrEqual(0.01 * scale);
  });

  it('stores the scaled sum of a Q8_1 block and the sums of 16 in a Q8_K block', () => {
    const values = input.subarray(0, 256);
    const q81 = quantize('Q8_1', values.subarray(0, 32));
    const sum = readAll('Q8_1', q81, 32).reduce((total, value) => total + value, 0);
    const [storedSum] = readAll('F16', q81.subarray(2, 4), 1);
    expect(storedSum).toBeCloseTo(sum, 2);

    const q8k = quantize('Q8_K', values);
    const bytes = new Int8Array(q8k.buffer, 4, 256);
    const sums = new Int16Array(q8k.slice(260).buffer);
    sums.forEach((stored, j) => {
      expect(stored).toBe(bytes.subarray(16 * j, 16 * (j + 1)).reduce((total, value) => total + value, 0));
    });
    readAll('Q8_K', q8k, 256).forEach((value, i) => expect(Math.abs(value - values[i])).toBeLessThan(0.02));
  });

  it.each([...writable, 'Q8_1', 'Q8_K'] as GgmlType[])('keeps zeros as zeros in %s', (type) => {
    const zeros = new Float32Array(GGML_TYPES[type].blockSize);
    expect(readAll(type, quantize(type, zeros), zeros.length).every((value) => value === 0)).toBe(true);
  });

  it.each(writable)('survives values that %s cannot hold', (type) => {
    const { blockSize, blockBytes } = GGML_TYPES[type];
    for (const odd of [NaN, Infinity, -Infinity, 3.4e38, 1e-45]) {
      const values = new Float32Array(blockSize).fill(0.5);
      values[0] = odd;
      expect(quantize(type, values)).toHaveLength(blockBytes);
    }
  });

  it('refuses types that can only be read, and partial blocks', () => {
    expect(() => quantize('IQ2_XXS', new Float32Array(256))).toThrow(UnsupportedModelError);
    expect(() => quantize('Q4_K', new Float32Array(128))).toThrow(InvalidArgumentError);
    expect(quantize('Q4_K', new Float32Array(0))).toHaveLength(0);
  });
});
