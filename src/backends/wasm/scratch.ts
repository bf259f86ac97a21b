// Working memory of the operations: sized while a model is built, allocated once it is complete, part of it per thread.
import type { Arena } from '../arena.ts';
import type { Activation, KvLayer, Weight } from '../tensors.ts';
import { KV_BLOCK_SIZE, isIntegerKv, kvBlockBytes } from '../tensors.ts';
import { ATTENTION_PARAMS_BYTES, BUCKET_TABLE_LENGTH } from './attention-params.ts';
import type { LikeliestMemory } from './likeliest.ts';
import { ownLikeliestBytes, sharedLikeliestBytes } from './likeliest.ts';
import { activationBytes, activationFormat, scratchBytes } from './matmul.ts';
import type { PackedBuffers } from './thread.ts';
import { PRIVATE_ROWS } from './thread.ts';

/** Queries of one tile of assembly/attention-integer.ts, and the part of a query's record that no dimension changes. */
const TILE_QUERIES = 16;
const QUERY_RECORD_FLOATS = 88;

/** Addresses; those but `packed` and what is named shared are this thread's own. Zero until `allocate`. */
export interface Scratch {
  rowsPtr: number;
  attentionPtr: number;
  attentionParamsPtr: number;
  bucketsPtr: number;
  expertsPtr: number;
  likeliest: LikeliestMemory;
  /** Stands for the shared packed activations in the hazard notes. */
  packed: Activation;
  packedBuffers: PackedBuffers;
}

/** What the largest operation of a model will need. */
export class ScratchNeeds {
  #maxRows = 1;
  #rowBytes = 0;
  #packedRowBytes = 0;
  #expertInputBytes = 0;
  #attentionFloats = 0;
  #experts = 0;
  #headRows = 0;
  #headCols = 0;

  activation(rows: number): void {
    this.#maxRows = Math.max(this.#maxRows, rows);
  }

  weight(weight: Weight): void {
    this.#rowBytes = Math.max(this.#rowBytes, scratchBytes(weight), weight.rowBytes);
    const bytes = activationBytes(activationFormat(weight), 4, weight.cols);
    this.#packedRowBytes = Math.max(this.#packedRowBytes, Math.ceil(bytes / 4));
    // Expert inputs are packed one by one, each in the room of four.
    if (weight.depth > 1) this.#expertInputBytes = Math.max(this.#expertInputBytes, bytes);
    this.#experts = Math.max(this.#experts, weight.depth);
    if (weight.layout === 'halves64') [this.#headRows, this.#headCols] = [weight.rows, weight.cols];
  }

  kvLayer(layer: KvLayer): void {
    const { keyDim, valueDim } = layer;
    const floats = isIntegerKv(layer.type)
      ? TILE_QUERIES * (QUERY_RECORD_FLOATS + Math.ceil(keyDim / 8) * 4 + valueDim) + unpackedFloats(layer)
      : KV_BLOCK_SIZE * (keyDim + valueDim + 1) + (layer.numHeads / layer.numKvHeads) * (valueDim + 4);
    this.#attentionFloats = Math.max(this.#attentionFloats, floats);
  }

  /** Takes the memory; the same on every thread but for whose part is kept. */
  allocate(scratch: Scratch, arena: Arena, threadIndex: number, numThreads: number): void {
    const own = (bytes: number, purpose: string): number => {
      const size = Math.ceil((bytes + 64) / 64) * 64;
      return arena.allocate(size * numThreads, purpose) + size * threadIndex;
    };
    const rows = this.#maxRows + 3;
    const sharedBytes = Math.max(rows * this.#packedRowBytes, rows * this.#expertInputBytes);
    const packedPtr = arena.allocate(sharedBytes + 64, 'packed activations');
    scratch.packed = { ptr: packedPtr, rows: 1, cols: 1, stride: 1, allocation: packedPtr };
    scratch.packedBuffers = { sharedPtr: packedPtr, privatePtr: own(PRIVATE_ROWS * this.#packedRowBytes, 'packed rows') };
    scratch.rowsPtr = own(this.#rowBytes, 'weight rows');
    scratch.attentionPtr = own(4 * this.#attentionFloats, 'attention');
    scratch.attentionParamsPtr = own(ATTENTION_PARAMS_BYTES, 'attention parameters');
    scratch.bucketsPtr = own(4 * BUCKET_TABLE_LENGTH, 'position buckets');
    scratch.expertsPtr = own(12 * this.#experts, 'expert routing');
    if (this.#headRows > 0) {
      const sharedPtr = arena.allocate(sharedLikeliestBytes(this.#headRows, numThreads), 'search of the likeliest tokens');
      scratch.likeliest = { sharedPtr, ownPtr: own(ownLikeliestBytes(this.#headRows, this.#headCols), 'search of the likeliest tokens') };
    }
  }
}

/** A block of keys and one of values that are unpacked before use. */
function unpackedFloats({ type, keyDim, valueDim }: KvLayer): number {
  const unpacked = { type: 'q8_0' } as const;
  return type === 'q4_0' ? (kvBlockBytes(unpacked, keyDim) + kvBlockBytes(unpacked, valueDim)) / 4 : 0;
}
