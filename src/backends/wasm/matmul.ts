// Matrix products of the wasm backend: which kernel serves a weight, how activations are packed for it, and one
// thread's share of rows. Threads and barriers are the backend's; the arithmetic is in assembly/matmul-*.ts.
import type { Activation, Weight, WeightLayout } from '../tensors.ts';
import { GGML_TYPES } from '../../gguf/ggml-types.ts';
import type { GgmlType } from '../../gguf/ggml-types.ts';
import { UnsupportedModelError } from '../../errors.ts';
import type { Kernels } from './kernels.ts';
import { UNIT_ROWS, extractHalves, unitOf } from './layouts-halves.ts';
import { extractRow, groupOf, isInterleavable } from './layouts.ts';
import type { InterleavedType } from './layouts.ts';

/**
 * How a kernel wants its activations. `f32` takes them as they lie; `q8` is 8 bits with a scale per 32 columns, `q16` the
 * same for weights of signed quants, `q8_halves` for those in halves, `q8_k` 8 bits with a scale per 256 (the values may be stored
 * wider than they are).
 */
export type ActivationFormat = 'f32' | 'q8' | 'q16' | 'q8_halves' | 'q8_k';

export interface MatmulRowsOptions {
  /** Address of `weight.rows` floats, or 0. */
  readonly biasPtr?: number;
  readonly accumulate?: boolean;
  readonly scale?: number;
}

type PackedFormat = Exclude<ActivationFormat, 'f32'>;

const PACKED_FORMAT: Record<InterleavedType, PackedFormat> = {
  Q4_0: 'q8', Q4_1: 'q8', Q5_0: 'q8', Q5_1: 'q8', Q8_0: 'q16', IQ4_NL: 'q16', IQ4_XS: 'q16', MXFP4: 'q16',
  Q2_K: 'q8_k', Q3_K: 'q8_k', Q4_K: 'q8_k', Q5_K: 'q8_k', Q6_K: 'q8_k',
};

/** Columns and bytes (in the build that stores most) of one row's block; assembly/quantize-activations.ts draws them. */
const PACKED_BLOCK: Record<PackedFormat, { readonly cols: number; readonly bytes: number }> = {
  q8: { cols: 32, bytes: 76 },
  q16: { cols: 32, bytes: 68 },
  q8_halves: { cols: 32, bytes: 76 },
  q8_k: { cols: 256, bytes: 596 },
};

const FLOAT_KERNELS: Partial<Record<GgmlType, string>> = {
  F32: 'matmul_f32_f32', F16: 'matmul_f16_f32', BF16: 'matmul_bf16_f32',
};

/**
 * Bytes of a weight that two lone rows of activations take in turn: the second finds them in the core's own cache. That is
 * faster than a panel of which half is empty (Q4_1, cold: 19 → 42 GFLOP/s, Q4_K 23 → 32).
 */
const LONE_BYTES = 2 ** 17;

/** Rows that the general path dequantizes at a time. */
const TILE_ROWS = 4;

/** The layout in which a weight of this kind is fastest. */
export function layoutFor(type: GgmlType, rows: number, cols: number): WeightLayout {
  return isInterleavable(type) && rows % 4 === 0 && cols % GGML_TYPES[type].blockSize === 0 ? 'interleaved4' : 'gguf';
}

/** The same for the weight of a language-model head, whose highest products are looked for. */
export function headLayoutFor(type: GgmlType, rows: number, cols: number): WeightLayout {
  return type === 'Q8_0' && rows % UNIT_ROWS === 0 && cols % GGML_TYPES.Q8_0.blockSize === 0 ? 'halves64' : layoutFor(type, rows, cols);
}

/** Rows of a weight that can only be taken together. */
export function rowGrain({ layout }: Pick<Weight, 'layout'>): number {
  return layout === 'halves64' ? UNIT_ROWS : 4;
}

/** What `packActivations` must be asked for before `matmulRows` with this weight. */
export function activationFormat(weight: Weight): ActivationFormat {
  switch (weight.layout) {
    case 'gguf': return 'f32';
    case 'halves64': return 'q8_halves';
    case 'interleaved4': return PACKED_FORMAT[weight.type as InterleavedType];
  }
}

/** How many of `n` rows are in panels of 4, the last possibly of 3; one or two that are left are computed each on its own. */
function panelRows(n: number): number {
  return n % 4 < 3 ? n - (n % 4) : n;
}

/** Bytes that `n` packed rows take; 0 for `f32`, which needs no packing. */
export function activationBytes(format: ActivationFormat, n: number, cols: number): number {
  if (format === 'f32') return 0;
  const block = PACKED_BLOCK[format];
  const rows = panelRows(n) < n ? n : 4 * Math.ceil(n / 4);
  return rows * (cols / block.cols) * block.bytes;
}

/**
 * Packs rows [rowFrom, rowTo) of the `n` rows of `x` to `packedPtr`, which stands for row 0. `rowFrom` must be a
 * multiple of 4, and so must `rowTo` unless it is `n`; threads may share the rows that way. Nothing to do for `f32`.
 */
export function packActivations(
  kernels: Kernels, format: ActivationFormat, packedPtr: number, x: Activation,
  rowFrom: number, rowTo: number, n: number,
): void {
  if (format === 'f32' || rowFrom >= rowTo) return;
  kernels.exports[`pack_${format}`](packedPtr, x.ptr, x.cols, 4 * x.stride, rowFrom, rowTo, n);
}

/** Room for 8 rows as assembly/block32-unpacked.ts and super-block-unpacked.ts lay them out, in their longest format. */
function unpackedBytes(weight: Weight): number {
  return PACKED_FORMAT[weight.type as InterleavedType] === 'q8_k' ? 256 + 3136 * (weight.cols / 256) : 128 + 320 * (weight.cols / 32);
}

/** Bytes of a thread's own scratch memory that `repackRows`, `matmulRows` and `getRows` need for this weight. */
export function scratchBytes(weight: Weight): number {
  if (weight.layout === 'halves64') return UNIT_ROWS * weight.rowBytes;
  if (weight.layout === 'interleaved4') return Math.max(4 * weight.rowBytes, unpackedBytes(weight));
  return weight.type === 'F32' ? 0 : TILE_ROWS * weight.cols * 4;
}

/**
 * out[r][rowFrom … rowTo) for all `n` rows r of x. `rowFrom` must be a multiple of `rowGrain(weight)`, and so must `rowTo` unless it
 * is `weight.rows`. A result depends neither on the share of rows nor on `n`. `packedPtr` is what `packActivations` wrote
 * for `activationFormat(weight)`; `scratchPtr` has `scratchBytes(weight)` bytes that no other thread touches.
 */
export function matmulRows(
  kernels: Kernels, weight: Weight, x: Activation, packedPtr: number, out: Activation, n: number,
  rowFrom: number, rowTo: number, options: MatmulRowsOptions, scratchPtr: number,
): void {
  if (rowFrom >= rowTo) return;
  const { biasPtr = 0, accumulate = false, scale = 1 } = options;
  const { exports } = kernels;
  const bias = (row: number): number => (biasPtr ? biasPtr + 4 * row : 0);
  if (weight.layout !== 'gguf') {
    multiplyPacked(kernels, weight, packedPtr, out, n, rowFrom, rowTo, bias(rowFrom), scale, accumulate, scratchPtr);
    return;
  }
  const direct = FLOAT_KERNELS[weight.type];
  if (direct && (weight.type === 'F32' || n < 4)) {
    exports[direct](
      weight.ptr + rowFrom * weight.rowBytes, x.ptr, out.ptr + 4 * rowFrom, bias(rowFrom), rowTo - rowFrom, n,
      weight.cols, weight.rowBytes, 4 * x.stride, 4 * out.stride, scale, Number(accumulate),
    );
    return;
  }
  const dequantize = dequantizeKernel(kernels, weight.type);
  for (let row = rowFrom; row < rowTo; row += TILE_ROWS) {
    const rows = Math.min(TILE_ROWS, rowTo - row);
    dequantize(weight.ptr + row * weight.rowBytes, scratchPtr, rows * weight.cols);
    exports['matmul_f32_f32'](
      scratchPtr, x.ptr, out.ptr + 4 * row, bias(row), rows, n,
      weight.cols, 4 * weight.cols, 4 * x.stride, 4 * out.stride, scale, Number(accumulate),
    );
  }
}

function multiplyPacked(
  { exports }: Kernels, weight: Weight, packedPtr: number, out: Activation, n: number,
  rowFrom: number, rowTo: number, biasPtr: number, scale: number, accumulate: boolean, scratchPtr: number,
): void {
  const format = activationFormat(weight) as PackedFormat;
  const name = `matmul_${weight.type.toLowerCase()}_${format}`;
  const blocks = weight.cols / PACKED_BLOCK[format].cols;
  const ptr = weight.ptr + rowFrom * weight.rowBytes, outPtr = out.ptr + 4 * rowFrom, outBytes = 4 * out.stride;
  const tiled = panelRows(n);
  if (tiled > 0) {
    exports[`${name}_panels`](
      ptr, packedPtr, outPtr, biasPtr, rowTo - rowFrom, tiled, blocks, outBytes, scale,
      Number(accumulate), scratchPtr,
    );
  }
  if (tiled === n) return;
  const rowBytes = blocks * exports[`packed_bytes_${format}`]();
  const grain = 4 * rowGrain(weight);
  const count = tiled + 1 === n ? rowTo - rowFrom : grain * Math.ceil(LONE_BYTES / weight.rowBytes / grain);
  for (let first = 0; first < rowTo - rowFrom; first += count) {
    for (let r = tiled; r < n; r++) {
      exports[`${name}_single`](
        ptr + first * weight.rowBytes, packedPtr + r * rowBytes, outPtr + r * outBytes + 4 * first, biasPtr && biasPtr + 4 * first,
        Math.min(count, rowTo - rowFrom - first), blocks, scale, Number(accumulate),
      );
    }
  }
}

function dequantizeKernel(kernels: Kernels, type: GgmlType): (src: number, dst: number, count: number) => number {
  const kernel = kernels.exports[`dequantize_${type.toLowerCase()}`];
  if (!kernel) throw new UnsupportedModelError(`Weights of type ${type} cannot be computed with.`);
  return kernel;
}

/** `count` elements (whole blocks) in file order at `srcPtr`, as float32 at `dstPtr`. */
export function dequantize(kernels: Kernels, type: GgmlType, srcPtr: number, dstPtr: number, count: number): void {
  dequantizeKernel(kernels, type)(srcPtr, dstPtr, count);
}

/** out[r] = row ids[r] of `table`, times `scale`, for r in [rowFrom, rowTo). Ids must be within the table. */
export function getRows(
  kernels: Kernels, table: Weight, ids: Int32Array, out: Activation,
  rowFrom: number, rowTo: number, scale: number, scratchPtr: number,
): void {
  const dequantizeRow = dequantizeKernel(kernels, table.type);
  for (let r = rowFrom; r < rowTo; r++) {
    const outPtr = out.ptr + 4 * r * out.stride;
    if (table.layout === 'gguf') {
      dequantizeRow(table.ptr + ids[r] * table.rowBytes, outPtr, table.cols);
    } else {
      const row = new Uint8Array(kernels.memory.buffer, scratchPtr, table.rowBytes);
      if (table.layout === 'halves64') extractHalves(unitOf(kernels.memory, table, ids[r]), ids[r] % UNIT_ROWS, row);
      else extractRow(table.type as InterleavedType, groupOf(kernels.memory, table, ids[r]), ids[r] & 3, row);
      dequantizeRow(scratchPtr, outPtr, table.cols);
    }
    if (scale !== 1) kernels.exports['scale_row_f32'](outPtr, table.cols, scale);
  }
}

/**
 * Turns rows [rowFrom, rowTo) of all matrices of `weight` from file order into `weight.layout`, in place. Rows are
 * counted through all of `weight.depth`; both bounds must be multiples of `rowGrain(weight)`. `scratchPtr` as in matmulRows;
 * `boundsPtr` is where weights in halves have a float for each row, see assembly/halves.ts.
 */
export function repackRows(
  kernels: Kernels, weight: Weight, rowFrom: number, rowTo: number, scratchPtr: number, boundsPtr = 0,
): void {
  if (weight.layout === 'gguf') return;
  const blocks = weight.cols / GGML_TYPES[weight.type].blockSize;
  if (weight.layout === 'halves64') {
    const halve = kernels.exports['halve_q8_0'];
    for (let row = rowFrom; row < rowTo; row += UNIT_ROWS) halve(weight.ptr + row * weight.rowBytes, scratchPtr, blocks, boundsPtr + 4 * row);
    return;
  }
  const interleave = kernels.exports[`interleave_${weight.type.toLowerCase()}`];
  for (let row = rowFrom; row < rowTo; row += 4) interleave(weight.ptr + row * weight.rowBytes, scratchPtr, blocks);
}
