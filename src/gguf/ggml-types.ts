// The tensor types of GGML: ids, block sizes and bytes per block, one row each. What the bytes mean is in src/quant/.
// Source: ggml.h `enum ggml_type`, ggml-common.h block structs.

export interface GgmlTypeRow {
  readonly id: number;
  readonly name: string;
  /** Elements per block. */
  readonly blockSize: number;
  /** Bytes per block. */
  readonly blockBytes: number;
}

const row = (id: number, name: string, blockSize: number, blockBytes: number): GgmlTypeRow =>
  Object.freeze({ id, name, blockSize, blockBytes });

export const GGML_TYPES = {
  F32: row(0, 'F32', 1, 4),
  F16: row(1, 'F16', 1, 2),
  Q4_0: row(2, 'Q4_0', 32, 18),
  Q4_1: row(3, 'Q4_1', 32, 20),
  Q5_0: row(6, 'Q5_0', 32, 22),
  Q5_1: row(7, 'Q5_1', 32, 24),
  Q8_0: row(8, 'Q8_0', 32, 34),
  Q8_1: row(9, 'Q8_1', 32, 36),
  Q2_K: row(10, 'Q2_K', 256, 84),
  Q3_K: row(11, 'Q3_K', 256, 110),
  Q4_K: row(12, 'Q4_K', 256, 144),
  Q5_K: row(13, 'Q5_K', 256, 176),
  Q6_K: row(14, 'Q6_K', 256, 210),
  Q8_K: row(15, 'Q8_K', 256, 292),
  IQ2_XXS: row(16, 'IQ2_XXS', 256, 66),
  IQ2_XS: row(17, 'IQ2_XS', 256, 74),
  IQ3_XXS: row(18, 'IQ3_XXS', 256, 98),
  IQ1_S: row(19, 'IQ1_S', 256, 50),
  IQ4_NL: row(20, 'IQ4_NL', 32, 18),
  IQ3_S: row(21, 'IQ3_S', 256, 110),
  IQ2_S: row(22, 'IQ2_S', 256, 82),
  IQ4_XS: row(23, 'IQ4_XS', 256, 136),
  I8: row(24, 'I8', 1, 1),
  I16: row(25, 'I16', 1, 2),
  I32: row(26, 'I32', 1, 4),
  I64: row(27, 'I64', 1, 8),
  F64: row(28, 'F64', 1, 8),
  IQ1_M: row(29, 'IQ1_M', 256, 56),
  BF16: row(30, 'BF16', 1, 2),
  TQ1_0: row(34, 'TQ1_0', 256, 54),
  TQ2_0: row(35, 'TQ2_0', 256, 66),
  MXFP4: row(39, 'MXFP4', 32, 17),
  NVFP4: row(40, 'NVFP4', 64, 36),
  Q1_0: row(41, 'Q1_0', 128, 18),
  Q2_0: row(42, 'Q2_0', 64, 18),
} as const;

export type GgmlType = keyof typeof GGML_TYPES;

export const GGML_TYPE_BY_ID: ReadonlyMap<number, GgmlType> = new Map(
  (Object.keys(GGML_TYPES) as GgmlType[]).map((name) => [GGML_TYPES[name].id, name]),
);
