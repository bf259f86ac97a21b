// What model definitions hold: float32 activations, weights as they lie in the file, index vectors and KV layers,
// all as addresses in linear memory. No compute here.
import type { GgmlType } from '../gguf/ggml-types.ts';

/** A float32 matrix (rows, cols) in linear memory; row r begins at `ptr + 4 * r * stride`. */
export interface Activation {
  readonly ptr: number;
  /** Rows there is room for; operations say how many they use. */
  readonly rows: number;
  readonly cols: number;
  /** Floats from one row to the next; `cols` unless this is a view. */
  readonly stride: number;
  /** The allocation this lies in; views share it. */
  readonly allocation: number;
}

/** `count` columns of `x` from `first`: the same memory, nothing copied. */
export function columns(x: Activation, first: number, count: number): Activation {
  return { ...x, ptr: x.ptr + 4 * first, cols: count };
}

/**
 * How a weight's rows lie in memory: as in the file, 4 rows interleaved block by block, or the upper bits of 64 rows before their
 * lower ones (each backend's repacking says exactly how).
 */
export type WeightLayout = 'gguf' | 'interleaved4' | 'halves64';

/** A weight (depth, rows, cols): `cols` input features per row, `rows` output features, `depth` experts or heads. */
export interface Weight {
  readonly name: string;
  readonly type: GgmlType;
  readonly layout: WeightLayout;
  readonly cols: number;
  readonly rows: number;
  readonly depth: number;
  readonly ptr: number;
  /** Bytes per row of `cols` elements. */
  readonly rowBytes: number;
}

/** Matrix `index` of a weight with depth (one expert, one head). */
export function sliceDepth(weight: Weight, index: number): Weight {
  return { ...weight, ptr: weight.ptr + index * weight.rows * weight.rowBytes, depth: 1 };
}

/** A float32 vector of weights (norm scales, biases, rope factors), always 4-byte floats, contiguous. */
export interface Vector {
  readonly name: string;
  readonly ptr: number;
  readonly length: number;
}

/** Int32 values in linear memory (token ids, positions, row numbers, addresses). */
export interface IndexVector {
  readonly ptr: number;
  /** Capacity. */
  readonly length: number;
}

/**
 * Elements of a KV cache. `i16` is 16-bit integers with a float scale per position and head, `q8_0` and `q4_0` 8- and 4-bit
 * integers with one per 32 dimensions too; all three need dimensions that are multiples of 4, and a backend keeps a layer with
 * others as `f16`.
 */
export type KvType = 'f32' | 'f16' | IntegerKvType;
export type IntegerKvType = 'i16' | 'q8_0' | 'q4_0';
export const KV_TYPES: readonly KvType[] = ['i16', 'q8_0', 'q4_0', 'f16', 'f32'];

export const isIntegerKv = (type: KvType): type is IntegerKvType => type !== 'f32' && type !== 'f16';

/** What one layer keeps per position. */
export interface KvShape {
  /** Query heads; they share the key/value heads evenly. */
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** A row sees this many positions, its own included, and no later ones: others need not be kept. Absent: it sees them all. */
  readonly window?: number;
}

/** Positions per KV block. */
export const KV_BLOCK_SIZE = 32;
/** Counts up when a backend arranges the elements of a block in another way: blocks that were saved before cannot be used then. */
export const KV_ARRANGEMENT = 1;

/**
 * One layer's paged key/value memory. Position p of a sequence lies in block `b = table[p / 32 | 0]`. As `f32` and `f16`, its
 * key of head h is `keyDim` elements at `keyPtr + (((h * numBlocks + b) * 32 + p % 32) * keyDim) * elementBytes`, values
 * likewise; how a backend arranges integers within the (32, keyDim) of a head and block is its own affair. A head's blocks follow
 * each other because attention reads one head after another: processors fetch ahead of what is read in order.
 */
export interface KvLayer extends KvShape {
  readonly type: KvType;
  /** Which of a batch's block tables say where its positions lie: layers of one group keep the same positions. */
  readonly group: number;
  readonly numBlocks: number;
  readonly keyPtr: number;
  readonly valuePtr: number;
}

/** The type in which a layer of that shape is kept when `wanted` was asked for. */
export function kvTypeFor(wanted: KvType, { keyDim, valueDim }: KvShape): KvType {
  return isIntegerKv(wanted) && (keyDim % 4 !== 0 || valueDim % 4 !== 0) ? 'f16' : wanted;
}

/** Bytes one head's part of a block takes for `dim` elements per position (keyDim or valueDim). */
export function kvBlockBytes(layer: Pick<KvLayer, 'type'>, dim: number): number {
  const scaleBytes = 4 * Math.ceil(dim / 32);
  const rowBytes = {
    f32: 4 * dim, f16: 2 * dim, i16: 2 * dim + 4, q8_0: dim + scaleBytes, q4_0: dim / 2 + scaleBytes,
  }[layer.type];
  return KV_BLOCK_SIZE * rowBytes;
}

/** Bytes a layer's keys (keyDim) or values (valueDim) take: every head's part of every block. */
export function kvCacheBytes(layer: Pick<KvLayer, 'type' | 'numBlocks' | 'numKvHeads'>, dim: number): number {
  return layer.numBlocks * layer.numKvHeads * kvBlockBytes(layer, dim);
}

/** A range of linear memory. */
export interface MemoryRange {
  readonly ptr: number;
  readonly byteLength: number;
}

/** Where a layer keeps `blocks`: all keys, then all values, head by head; neighbouring blocks in one range. */
export function* kvRanges(layer: KvLayer, blocks: readonly number[]): Generator<MemoryRange> {
  for (const [base, dim] of [[layer.keyPtr, layer.keyDim], [layer.valuePtr, layer.valueDim]] as const) {
    const blockBytes = kvBlockBytes(layer, dim);
    for (let head = 0; head < layer.numKvHeads; head++) {
      for (let i = 0, count = 1; i < blocks.length; i += count, count = 1) {
        while (i + count < blocks.length && blocks[i + count] === blocks[i]! + count) count++;
        yield { ptr: base + (head * layer.numBlocks + blocks[i]!) * blockBytes, byteLength: count * blockBytes };
      }
    }
  }
}

/** The rows of one forward pass, from any number of sequences. All vectors have one entry per row unless said otherwise. */
export interface Batch {
  readonly numTokens: number;
  readonly tokens: IndexVector;
  /** Position of each row within its sequence. Rows of one sequence are in ascending order. */
  readonly positions: IndexVector;
  /**
   * Address of the row's sequence's block table (Int32 block numbers), for each group of KV layers. What a table says of
   * positions that no row of the batch sees is without meaning.
   */
  readonly blockTables: readonly IndexVector[];
  /** Positions its sequence holds once this batch is stored: the end of what a non-causal row may see. */
  readonly sequenceLengths: IndexVector;
  /** Slot (0 … maxSequences) of the row's sequence, for layers with recurrent state. */
  readonly slots: IndexVector;
  /** Row numbers whose results are wanted, `numOutputs` of them, ascending. */
  readonly outputs: IndexVector;
  readonly numOutputs: number;
}

/** Chosen experts per row: ids (n, numUsed) and their weights (n, numUsed). */
export interface ExpertSelection {
  readonly ids: IndexVector;
  readonly weights: Activation;
  readonly numExperts: number;
  readonly numUsed: number;
}
