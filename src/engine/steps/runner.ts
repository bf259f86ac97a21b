// Writes a batch into every shard's memory, runs one forward pass on all threads, hands back views of the result.
import { kvRanges } from '../../backends/tensors.ts';
import type { Activation, MemoryRange } from '../../backends/tensors.ts';
import { MAX_LIKELIEST } from '../../backends/backend.ts';
import { InvalidArgumentError } from '../../errors.ts';
import type { ComputeThread } from '../compute/thread.ts';
import { COMMAND, STEP } from '../memory/regions.ts';
import type { BlockCopy, Sequence } from './sequence.ts';
import type { LogitsWanted, Shard } from '../memory/shard-chain.ts';

/** Ids `sequence.numComputed … + numTokens` of a sequence and its draft; `outputs` counts the last rows whose results are wanted. */
export interface BatchPart {
  readonly sequence: Sequence;
  readonly numTokens: number;
  readonly numOutputs: number;
}

/** How a request's ids are computed when they take several passes. */
export interface PassOptions {
  /** Rows that the next pass may have. */
  readonly maxRows: () => number;
  /** Looks at a sequence after each pass, before it gives up what no later row sees. */
  readonly onComputed: (sequence: Sequence) => void;
}

export class Runner {
  readonly thread: ComputeThread;
  /** Each shard has its own copy of what describes a batch, at the same addresses. */
  readonly #copies: readonly Int32Array[];
  readonly #vocabSize: number;
  /** Hears of every pass before it is computed. */
  onPass: ((parts: readonly BatchPart[]) => void) | undefined;

  constructor(thread: ComputeThread, vocabSize: number) {
    this.thread = thread;
    this.#copies = thread.chain.shards.map(({ memory }) => new Int32Array(memory.buffer));
    this.#vocabSize = vocabSize;
  }

  /** Brings all weights into their working layout; once, after they were read. */
  repack(): void {
    this.#command(COMMAND.repack);
  }

  /** Likewise where this thread is the only one and may not block: `whenRead` resolves once so many tensors have been read. */
  async repackWhenRead(whenRead: (shard: number, count: number) => Promise<void>): Promise<void> {
    await this.thread.repackWhenRead(whenRead);
  }

  /**
   * Stores and attends every part's ids. Afterwards the parts' `numComputed` are advanced and result row i belongs to
   * the i-th wanted row over all parts in order. What no later row sees is given up then; before it is, `onComputed` may look. Where
   * there is one row, `wanted` may be a number.
   */
  forward(parts: readonly BatchPart[], wanted: LogitsWanted, onComputed?: (sequence: Sequence) => void): void {
    const { regions } = this.thread.chain.shards[0]!;
    this.onPass?.(parts);
    const numRows = parts.reduce((sum, part) => sum + part.numTokens, 0);
    if (numRows > regions.tokens.length) throw new Error(`A batch of ${numRows} rows; there is room for ${regions.tokens.length}.`);
    let row = 0;
    let numOutputs = 0;
    for (const { sequence, numTokens, numOutputs: wanted } of parts) {
      const tableOffset = 4 * sequence.slot * regions.tableLength;
      const end = sequence.numComputed + numTokens;
      const first = sequence.reserve(end);
      this.writeTable(sequence, first);
      for (let position = sequence.numComputed; position < end; position++, row++) {
        const id = sequence.idAt(position);
        if (!(Number.isInteger(id) && id >= 0 && id < this.#vocabSize)) {
          throw new InvalidArgumentError(`Token id ${id} is outside the vocabulary of ${this.#vocabSize} tokens.`);
        }
        this.#set(regions.tokens, row, id);
        this.#set(regions.positions, row, position);
        for (const { rows, ptr } of regions.tables) this.#set(rows, row, ptr + tableOffset);
        this.#set(regions.sequenceLengths, row, end);
        this.#set(regions.slots, row, sequence.slot);
        if (position >= end - wanted) this.#set(regions.outputs, numOutputs++, row);
      }
    }
    this.thread.step[STEP.numTokens] = row;
    this.thread.step[STEP.numOutputs] = numOutputs;
    this.thread.step[STEP.wantLogits] = wanted !== 'none' && numOutputs > 0 ? 1 : 0;
    this.thread.step[STEP.numLikeliest] = typeof wanted === 'number' ? roundedCount(wanted) : 0;
    this.#command(COMMAND.forward);
    for (const { sequence, numTokens } of parts) {
      sequence.numComputed += numTokens;
      onComputed?.(sequence);
      sequence.trim();
    }
  }

  /** Logits of result row `index` (vocabSize), those that were wanted: a view that the next forward pass overwrites. */
  logits(index: number): Float32Array {
    const { result, chain } = this.thread;
    return rowOf(chain.head, result!.logits!, index);
  }

  /** The ids whose logits are not −Infinity, ascending, where only the highest were wanted and these are known and few. */
  likeliestIds(): readonly number[] | undefined {
    return this.thread.step[STEP.numLikeliest] === 0 ? undefined : this.thread.chain.head.backend.foundRows();
  }

  /** Final hidden state of result row `index` (hiddenSize), a view likewise. */
  hidden(index: number): Float32Array {
    const { result, chain } = this.thread;
    return rowOf(chain.last, result!.hidden, index);
  }

  /**
   * Gives `target`, which took over `source`'s blocks, its table, its own copy of the partly filled block and of recurrent
   * state.
   */
  share(source: Sequence, target: Sequence): void {
    for (const { backend, memory } of this.thread.chain.shards) {
      for (const state of backend.recurrentStates) {
        const at = (slot: number): number => state.ptr + 4 * state.stride * slot;
        new Uint8Array(memory.buffer).copyWithin(at(target.slot), at(source.slot), at(source.slot + 1));
      }
    }
    const copies = target.adopt(source);
    this.writeTable(target, 0);
    for (const copy of copies) this.copyBlock(copy);
  }

  /** Writes a sequence's block numbers from index `first` on where attention reads them. */
  writeTable({ slot, blocks, windows }: Sequence, first: number): void {
    const { tables, tableLength } = this.thread.chain.shards[0]!.regions;
    [{ first: 0, blocks }, ...windows].forEach((held, group) => {
      const table = { ptr: tables[group]!.ptr + 4 * (slot * tableLength + held.first) };
      for (let i = Math.max(0, first - held.first); i < held.blocks.length; i++) this.#set(table, i, held.blocks[i]!);
    });
  }

  /** Copies a block's keys and values in all layers of its group. */
  copyBlock({ group, from, to }: BlockCopy): void {
    for (const { kvLayers, memory } of this.thread.chain.shards) {
      const bytes = new Uint8Array(memory.buffer);
      for (const layer of kvLayers) {
        if (layer.group !== group) continue;
        const targets = kvRanges(layer, [to]);
        for (const { ptr, byteLength } of kvRanges(layer, [from])) {
          bytes.copyWithin((targets.next().value as MemoryRange).ptr, ptr, ptr + byteLength);
        }
      }
    }
  }

  /** Makes all of a sequence's last block zero, in all layers. */
  clearLastBlock({ blocks, windows }: Sequence): void {
    const last = [blocks, ...windows.map((window) => window.blocks)].map((held) => held.at(-1)!);
    for (const { kvLayers, memory } of this.thread.chain.shards) {
      for (const layer of kvLayers) {
        const block = last[layer.group]!;
        for (const { ptr, byteLength } of kvRanges(layer, [block])) new Uint8Array(memory.buffer, ptr, byteLength).fill(0);
      }
    }
  }

  #command(command: number): void {
    this.thread.step[STEP.command] = command;
    this.thread.announce();
    this.thread.execute();
  }

  #set({ ptr }: { readonly ptr: number }, index: number, value: number): void {
    for (const words of this.#copies) words[ptr / 4 + index] = value;
  }
}

/** Few counts, since passes are recorded for each; 0, which is all, where nearly all would have to be computed. */
function roundedCount(wanted: number): number {
  return wanted <= MAX_LIKELIEST ? (wanted === 1 ? 1 : 8 * Math.ceil(wanted / 8)) : 0;
}

function rowOf({ memory }: Shard, x: Activation, index: number): Float32Array {
  return new Float32Array(memory.buffer, x.ptr + 4 * index * x.stride, x.cols);
}
