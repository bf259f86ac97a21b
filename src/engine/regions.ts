// The engine's own areas of linear memory: control words, the step command and the vectors that describe a batch.
// Allocated first and in this order on every thread, so all agree on the addresses.
import type { Arena } from '../backends/arena.ts';
import type { Batch, IndexVector } from '../backends/tensors.ts';
import { CONTROL_BYTES } from '../backends/wasm/thread.ts';
import { blocksFor } from './block-pool.ts';

/**
 * Int32 words of the step command, by index. `arrived`: how many of the layout's tensors, from the first on, have been read,
 * and one more once all of them are ready for use.
 */
export const STEP = { generation: 0, command: 1, numTokens: 2, numOutputs: 3, wantLogits: 4, arrived: 5, length: 16 } as const;

/** `draft`: the command in the draft model's step words. */
export const COMMAND = { forward: 1, repack: 2, draft: 3 } as const;

export interface Regions {
  readonly controlPtr: number;
  readonly stepPtr: number;
  readonly tokens: IndexVector;
  readonly positions: IndexVector;
  readonly blockTables: IndexVector;
  readonly sequenceLengths: IndexVector;
  readonly slots: IndexVector;
  readonly outputs: IndexVector;
  /** Block table of slot s: `tableLength` Int32 at `tablesPtr + 4 * s * tableLength`. */
  readonly tablesPtr: number;
  readonly tableLength: number;
}

export function allocateRegions(
  arena: Arena,
  sizes: { maxBatchTokens: number; maxOutputs: number; contextLength: number; maxSequences: number },
): Regions {
  const vector = (length: number, purpose: string): IndexVector => ({ ptr: arena.allocate(4 * length, purpose), length });
  const rows = sizes.maxBatchTokens;
  const tableLength = blocksFor(sizes.contextLength);
  return {
    controlPtr: arena.allocate(CONTROL_BYTES, 'thread control'),
    stepPtr: arena.allocate(4 * STEP.length, 'step command'),
    tokens: vector(rows, 'batch tokens'),
    positions: vector(rows, 'batch positions'),
    blockTables: vector(rows, 'batch block tables'),
    sequenceLengths: vector(rows, 'batch sequence lengths'),
    slots: vector(rows, 'batch slots'),
    outputs: vector(rows, 'batch outputs'),
    tablesPtr: arena.allocate(4 * tableLength * sizes.maxSequences, 'block tables'),
    tableLength,
  };
}

/** The batch as the regions hold it; the two counts change from step to step. */
export class RegionBatch implements Batch {
  readonly tokens: IndexVector;
  readonly positions: IndexVector;
  readonly blockTables: IndexVector;
  readonly sequenceLengths: IndexVector;
  readonly slots: IndexVector;
  readonly outputs: IndexVector;
  numTokens = 0;
  numOutputs = 0;

  constructor(regions: Regions) {
    this.tokens = regions.tokens;
    this.positions = regions.positions;
    this.blockTables = regions.blockTables;
    this.sequenceLengths = regions.sequenceLengths;
    this.slots = regions.slots;
    this.outputs = regions.outputs;
  }
}
