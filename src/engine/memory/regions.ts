// The engine's own areas of linear memory: control words, the step command and the vectors that describe a batch.
// Allocated first and in this order on every thread, so all agree on the addresses.
import type { Arena } from '../../backends/arena.ts';
import type { Batch, IndexVector } from '../../backends/tensors.ts';
import { CONTROL_BYTES } from '../../backends/wasm/thread.ts';
import { blocksFor } from './block-pool.ts';
import { STATS_BYTES } from '../engine-stats.ts';

/**
 * Int32 words of the step command, by index. `arrived`: how many of the layout's tensors, from the first on, have been read,
 * and one more once all of them are ready for use. `numLikeliest`: how many of the highest logits are wanted, 0 for all.
 */
export const STEP = { generation: 0, command: 1, numTokens: 2, numOutputs: 3, wantLogits: 4, arrived: 5, numLikeliest: 6, length: 16 } as const;

/** `draft`: the command in the draft model's step words. */
export const COMMAND = { forward: 1, repack: 2, draft: 3 } as const;

export interface Regions {
  readonly controlPtr: number;
  readonly stepPtr: number;
  /** See engine-stats.ts; in the first shard only. */
  readonly statsPtr: number;
  readonly tokens: IndexVector;
  readonly positions: IndexVector;
  readonly sequenceLengths: IndexVector;
  readonly slots: IndexVector;
  readonly outputs: IndexVector;
  readonly tableLength: number;
  /** For each group of KV layers; those of windows are allocated once the model is built. */
  readonly tables: GroupTables[];
}

export interface GroupTables {
  /** Address of the block table of each row of the batch. */
  readonly rows: IndexVector;
  /** Block table of slot s: `tableLength` Int32 at `ptr + 4 * s * tableLength`. */
  readonly ptr: number;
}

export interface RegionSizes {
  readonly maxBatchTokens: number;
  readonly maxOutputs: number;
  readonly contextLength: number;
  readonly maxSequences: number;
}

export function allocateRegions(arena: Arena, sizes: RegionSizes): Regions {
  const vector = (length: number, purpose: string): IndexVector => ({ ptr: arena.allocate(4 * length, purpose), length });
  const rows = sizes.maxBatchTokens;
  return {
    controlPtr: arena.allocate(CONTROL_BYTES, 'thread control'),
    stepPtr: arena.allocate(4 * STEP.length, 'step command'),
    statsPtr: arena.allocate(STATS_BYTES, 'statistics'),
    tokens: vector(rows, 'batch tokens'),
    positions: vector(rows, 'batch positions'),
    sequenceLengths: vector(rows, 'batch sequence lengths'),
    slots: vector(rows, 'batch slots'),
    outputs: vector(rows, 'batch outputs'),
    tableLength: blocksFor(sizes.contextLength),
    tables: [allocateTables(arena, sizes)],
  };
}

export function allocateTables(arena: Arena, { maxBatchTokens, contextLength, maxSequences }: RegionSizes): GroupTables {
  return {
    rows: { ptr: arena.allocate(4 * maxBatchTokens, 'batch block tables'), length: maxBatchTokens },
    ptr: arena.allocate(4 * blocksFor(contextLength) * maxSequences, 'block tables'),
  };
}

/** The batch as the regions hold it; the two counts change from step to step. */
export class RegionBatch implements Batch {
  readonly tokens: IndexVector;
  readonly positions: IndexVector;
  readonly blockTables: readonly IndexVector[];
  readonly sequenceLengths: IndexVector;
  readonly slots: IndexVector;
  readonly outputs: IndexVector;
  numTokens = 0;
  numOutputs = 0;

  constructor(regions: Regions) {
    this.tokens = regions.tokens;
    this.positions = regions.positions;
    this.blockTables = regions.tables.map(({ rows }) => rows);
    this.sequenceLengths = regions.sequenceLengths;
    this.slots = regions.slots;
    this.outputs = regions.outputs;
  }
}
