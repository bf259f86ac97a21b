// Block formats by GGML type: bytes to float32 and back. Plain and exact: what fast kernels are held to.
import { InvalidArgumentError, UnsupportedModelError } from '../errors.ts';
import { GGML_TYPES } from '../gguf/ggml-types.ts';
import type { GgmlType } from '../gguf/ggml-types.ts';
import type { BlockFormat } from './block-format.ts';
import { MXFP4, NVFP4 } from './fp4.ts';
import { IQ1_M, IQ1_S, IQ2_S, IQ2_XS, IQ2_XXS, IQ3_S, IQ3_XXS } from './iq-quants.ts';
import { IQ4_NL, IQ4_XS } from './iq4.ts';
import { Q2_K, Q3_K, Q4_K, Q5_K, Q6_K } from './k-quants-quantize.ts';
import { Q1_0, Q2_0, TQ1_0, TQ2_0 } from './low-bit.ts';
import { BF16, F16, F32, F64, I16, I32, I64, I8 } from './plain-types.ts';
import { Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, Q8_K } from './q4-q5-q8.ts';

export const BLOCK_FORMATS: Readonly<Record<GgmlType, BlockFormat>> = Object.freeze({
  F32, F16, BF16, F64, I8, I16, I32, I64,
  Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1,
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K,
  IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_NL, IQ4_XS,
  TQ1_0, TQ2_0, Q1_0, Q2_0, MXFP4, NVFP4,
});

/** Bytes that `numElements` of a type take. Throws InvalidArgumentError when they are not whole blocks. */
export function rowBytes(type: GgmlType, numElements: number): number {
  const { blockSize, blockBytes } = GGML_TYPES[type];
  if (!Number.isSafeInteger(numElements) || numElements < 0 || numElements % blockSize !== 0) {
    throw new InvalidArgumentError(`${numElements} elements are no whole number of ${type} blocks of ${blockSize}.`);
  }
  return (numElements / blockSize) * blockBytes;
}

/** Writes the first `numElements` values of `bytes` to `out`, exactly (rounded once to float32). */
export function dequantize(type: GgmlType, bytes: Uint8Array, out: Float32Array, numElements: number): void {
  const length = rowBytes(type, numElements);
  if (bytes.length < length || out.length < numElements) {
    throw new InvalidArgumentError(
      `${numElements} elements of ${type} need ${length} bytes and as many floats; there are ${bytes.length} bytes ` +
        `and room for ${out.length} floats.`,
    );
  }
  const { blockSize, blockBytes } = GGML_TYPES[type];
  const format = BLOCK_FORMATS[type];
  for (let at = 0, to = 0; to < numElements; at += blockBytes, to += blockSize) {
    format.dequantizeBlock(bytes, at, out, to);
  }
}

export function canQuantize(type: GgmlType): boolean {
  return BLOCK_FORMATS[type].quantizeBlock !== undefined;
}

/** The bytes of `values` in a type. Throws UnsupportedModelError for types that can only be read. */
export function quantize(type: GgmlType, values: Float32Array): Uint8Array {
  const format = BLOCK_FORMATS[type];
  if (!format.quantizeBlock) {
    throw new UnsupportedModelError(`${type} can be read but not written by this version. Choose another type.`);
  }
  const bytes = new Uint8Array(rowBytes(type, values.length));
  const { blockSize, blockBytes } = GGML_TYPES[type];
  for (let at = 0, from = 0; from < values.length; at += blockBytes, from += blockSize) {
    format.quantizeBlock(values.subarray(from, from + blockSize), bytes, at);
  }
  return bytes;
}
