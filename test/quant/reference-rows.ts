// The committed reference rows (test/data/quant): input, ggml's bytes per type, and errors row by row.
import { readFileSync } from 'node:fs';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { inRepository } from '../support/fixtures.ts';

export const NUM_ROWS = 8;
export const ROW_LENGTH = 1024;
export const NUM_ELEMENTS = NUM_ROWS * ROW_LENGTH;

const folder = (file: string): string => inRepository('test/data/quant', file);

export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

export const input = floatsOf(new Uint8Array(readFileSync(folder('input.f32.bin'))));

/** SHA-256 of the floats that ggml reads from each type's bytes. */
export const expectedHashes = JSON.parse(
  readFileSync(folder('dequantised-sha256.json'), 'utf8'),
) as Partial<Record<GgmlType, string>>;

export const referenceTypes = Object.keys(expectedHashes) as GgmlType[];

export function ggmlBytes(type: GgmlType): Uint8Array {
  return new Uint8Array(readFileSync(folder(`${type}.bin`)));
}

/** Root mean square error of row `row` against the input. */
export function rowError(values: Float32Array, row: number): number {
  let sum = 0;
  for (let i = row * ROW_LENGTH; i < (row + 1) * ROW_LENGTH; i++) sum += (values[i] - input[i]) ** 2;
  return Math.sqrt(sum / ROW_LENGTH);
}
