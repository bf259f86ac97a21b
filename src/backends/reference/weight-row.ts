// One row of a weight as floats, whatever its block format.
import { dequantize } from '../../quant/quant.ts';
import type { Weight } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';

export function weightRow(memory: ReferenceMemory, weight: Weight, row: number): Float32Array {
  const ptr = weight.ptr + row * weight.rowBytes;
  if (weight.type === 'F32') return memory.floats.subarray(ptr / 4, ptr / 4 + weight.cols);
  const values = new Float32Array(weight.cols);
  dequantize(weight.type, memory.bytes.subarray(ptr, ptr + weight.rowBytes), values, weight.cols);
  return values;
}
