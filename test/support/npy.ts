// Reads the reference arrays: .npy files of C-order float32 matrices.
import { readFileSync } from 'node:fs';

export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array;
}

export function readNpy(path: string): Matrix {
  const file = readFileSync(path);
  const headerStart = file[6] === 1 ? 10 : 12;
  const headerLength = file[6] === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8);
  const start = headerStart + headerLength;
  const header = file.toString('latin1', headerStart, start);
  if (!header.includes("'<f4'")) throw new Error(`${path} does not hold float32.`);
  const shape = /\(([^)]*)\)/.exec(header)?.[1].match(/\d+/g)?.map(Number) ?? [];
  const [rows, cols] = shape.length === 1 ? [1, shape[0]] : shape;
  return { rows, cols, data: new Float32Array(new Uint8Array(file.subarray(start, start + 4 * rows * cols)).buffer) };
}

export function matrixRow(matrix: Matrix, row: number): Float32Array {
  return matrix.data.subarray(row * matrix.cols, (row + 1) * matrix.cols);
}
