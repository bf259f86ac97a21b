// assembly/barrier.ts on real threads: all meet, those asleep are woken, a failed thread frees the others, and each part of
// what is dealt out goes to one thread.
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';

const NUM_THREADS = 3;
const CONTROL = 1024;
const WORDS = 2048;
const COUNTER = 1024 + 512;

const module = new WebAssembly.Module(readFileSync(inRepository('dist/kernels/baseline-shared.wasm')));

/** What `code` returns on each thread, which has `index`, `words` (Int32Array at WORDS), `barrier(spins)`, `poison()`, `deal(end)`. */
async function onThreads<T>(code: string, prepare: (memory: Int32Array) => void = () => undefined): Promise<T[]> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  prepare(new Int32Array(memory.buffer));
  const threads = Array.from({ length: NUM_THREADS }, (_, index) => new Worker(`
    const { parentPort, workerData: { module, memory, index } } = require('node:worker_threads');
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const words = new Int32Array(memory.buffer, ${WORDS}, 256);
    const barrier = (spins) => exports.barrier(${CONTROL}, ${NUM_THREADS}, spins);
    const poison = () => exports.poison(${CONTROL});
    const deal = (end) => exports.deal(${COUNTER}, end);
    parentPort.postMessage((() => { ${code} })());`, { eval: true, workerData: { module, memory, index } }));
  try {
    return await Promise.all(threads.map((thread) => new Promise<T>((resolve, reject) => {
      thread.once('message', resolve).once('error', reject);
    })));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

it.each([0, 20, 100_000])('nobody passes before all have come, with %i spins before sleep', async (spins) => {
  const early = await onThreads<number>(`
    let early = 0;
    for (let round = 1; round <= 300; round++) {
      words[index] = round;
      if (barrier(${spins}) !== 0) return -1;
      for (let i = 0; i < ${NUM_THREADS}; i++) if (words[i] !== round) early++;
      if (barrier(${spins}) !== 0) return -1;
    }
    return early;`);
  expect(early).toEqual([0, 0, 0]);
});

it('a thread that fails frees those that wait, awake or asleep, and all that come later', async () => {
  const results = await onThreads<number[]>(`
    if (index < 2) return [barrier(index === 0 ? 0 : 2 ** 31 - 1), barrier(0), barrier(0)];
    // Until the first of them sleeps and the other spins.
    while (Atomics.load(new Int32Array(memory.buffer), ${CONTROL / 4}) < 2 || Atomics.load(new Int32Array(memory.buffer), ${(CONTROL + 128) / 4}) < 1);
    poison();
    return [1, barrier(0), barrier(0)];`);
  expect(results).toEqual([[1, 1, 1], [1, 1, 1], [1, 1, 1]]);
});

it('each part of what is dealt out is taken once, one operation after the other, past 2^31', async () => {
  const start = 2 ** 31 - 700;
  const counts = [1000, 1, 37, 512];
  const taken = await onThreads<number[][]>(`
    let end = ${start};
    return ${JSON.stringify(counts)}.map((count) => {
      end = (end + count) | 0;
      const parts = [];
      for (let left; (left = deal(end)) !== 0;) parts.push(left);
      end = (end + ${NUM_THREADS}) | 0;
      barrier(100);
      return parts;
    });`, (memory) => (memory[COUNTER / 4] = start));
  counts.forEach((count, operation) => {
    const parts = taken.flatMap((own) => own[operation]).sort((a, b) => a - b);
    expect(parts).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  });
});
