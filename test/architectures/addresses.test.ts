// Addresses are unsigned: models whose memory lies across the line of 2 GiB, and up to the last byte of 4 GiB, give the same bits.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Arena } from '../../src/backends/arena.ts';
import type { KvType } from '../../src/backends/tensors.ts';
import { KV_TYPES } from '../../src/backends/tensors.ts';
import { createWasmBackend } from '../../src/backends/wasm/backend.ts';
import { ARENA_BASE, writeTables } from '../../src/backends/wasm/memory-map.ts';
import { CONTROL_BYTES } from '../../src/backends/wasm/thread.ts';
import { ARCHITECTURE_CASES, caseFile } from '../support/architecture-cases.ts';
import { inRepository } from '../support/fixtures.ts';
import { openModel } from '../support/run-model.ts';
import type { BackendFactory } from '../support/run-model.ts';

const GIB = 2 ** 30;
const module = new WebAssembly.Module(readFileSync(inRepository('dist/kernels/baseline.wasm')));
// Pages that nobody touches take no memory.
const memory = new WebAssembly.Memory({ initial: 65536 });
writeTables(memory);

interface Run {
  readonly end: number;
  readonly rows: readonly Float32Array[];
}

/** Two passes over a text, of many rows and of one, in memory from `base` on. */
async function run(file: string, ids: readonly number[], kvType: KvType, base: number): Promise<Run> {
  const arena = new Arena(base);
  const createBackend: BackendFactory = (setup) => {
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const controlPtr = arena.allocate(CONTROL_BYTES, 'control');
    const backend = createWasmBackend({ memory, instance, arena, threadIndex: 0, numThreads: 1, controlPtr, ...setup });
    return { memory: memory.buffer, arena, backend };
  };
  const model = await openModel(caseFile(file), createBackend, { kvType });
  const rows = ids.map((token, position) => ({ sequence: 0, position, token }));
  const results = model.config.kind === 'encoder' ? model.forward(rows) : [...model.forward(rows.slice(0, -1)), ...model.forward(rows.slice(-1))];
  return { end: arena.end, rows: results };
}

/** The first case of each architecture. */
const CASES = ARCHITECTURE_CASES.filter(({ arch }, i, all) => all.findIndex((other) => other.arch === arch) === i);

it.each(CASES)('$name', async ({ file, ids }) => {
  const low = await run(file, ids, 'i16', ARENA_BASE);
  const size = low.end - ARENA_BASE;
  for (let part = 1; part < 4; part++) {
    const base = Math.floor((2 * GIB - (size * part) / 4) / 64) * 64;
    expect((await run(file, ids, 'i16', base)).rows, `from ${base}`).toEqual(low.rows);
  }
  expect((await run(file, ids, 'i16', 4 * GIB - size)).rows).toEqual(low.rows);
});

it.each(KV_TYPES)('keys and values as %s', async (kvType) => {
  const { file, ids } = CASES.find(({ arch }) => arch === 'llama')!;
  const low = await run(file, ids, kvType, ARENA_BASE);
  const size = low.end - ARENA_BASE;
  for (const base of [2 * GIB - Math.floor(size / 128) * 64, 4 * GIB - size]) {
    expect((await run(file, ids, kvType, base)).rows, `from ${base}`).toEqual(low.rows);
  }
});
