// Reading weights: what happens to the other reads when one fails.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { LoadedTensor } from '../../src/architectures/weights.ts';
import { loadWeights } from '../../src/engine/load/load-weights.ts';
import type { ModelMemory } from '../../src/engine/load/model-memory.ts';
import type { ByteSource } from '../../src/gguf/byte-source.ts';
import type { GgufFile, GgufTensor } from '../../src/gguf/reader.ts';

const NUM_TENSORS = 64;
const BYTES = 128;

const names = Array.from({ length: NUM_TENSORS }, (_, i) => `blk.${i}.attn_norm.weight`);
const tensors = names.map((name, i): LoadedTensor => ({
  name, kind: 'vector', byteLength: BYTES, declaration: { name, type: 'F32', shape: [BYTES / 4] },
  vector: { name, ptr: BYTES * i, length: BYTES / 4 },
}));
const file = {
  tensor: (name: string): Partial<GgufTensor> =>
    ({ name, type: 'F32', numElements: BYTES / 4, byteLength: BYTES, offset: BYTES * names.indexOf(name), partIndex: 0 }),
} as GgufFile;

function memoryOf(arrivals: number[]): ModelMemory {
  const buffer = new ArrayBuffer(BYTES * NUM_TENSORS);
  return {
    given: buffer.byteLength, buffer,
    room: (ptr, byteLength) => new Uint8Array(buffer, ptr, byteLength),
    filled: () => undefined,
    arrived: (count) => void arrivals.push(count),
  };
}

const silent = { onBytes: () => undefined, onPart: () => undefined };

it('after a failed read begins no other, and waits for those under way before it throws the reason', async () => {
  let [begun, ended] = [0, 0];
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const source: ByteSource = {
    name: 'broken', size: BYTES * NUM_TENSORS,
    async read(offset) {
      begun++;
      if (offset === 3 * BYTES) throw new Error('the disk is gone');
      await gate;
      ended++;
    },
    close: async () => undefined,
  };
  const arrivals: number[] = [];
  let isSettled = false;
  const loading = loadWeights(file, [source], tensors, memoryOf(arrivals), silent);
  const outcome = loading.finally(() => (isSettled = true)).catch((error: unknown) => error);
  await sleep(20);
  const underWay = begun - 1;
  expect(underWay).toBeGreaterThan(3);
  expect(isSettled).toBe(false);
  letGo();
  expect(await outcome).toMatchObject({ message: 'the disk is gone' });
  expect({ begun, ended }).toEqual({ begun: underWay + 1, ended: underWay });
  // The fourth never came.
  expect(Math.max(...arrivals)).toBe(3);
});

it('tells of tensors in order, however their reads end', async () => {
  const source: ByteSource = {
    name: 'slow', size: BYTES * NUM_TENSORS,
    async read(offset, target) {
      await sleep((offset * 7) % 5);
      target.fill(offset / BYTES);
    },
    close: async () => undefined,
  };
  const arrivals: number[] = [];
  const memory = memoryOf(arrivals);
  await loadWeights(file, [source], tensors, {
    ...memory,
    arrived(count) {
      memory.arrived(count);
      const numRead = Math.min(count, NUM_TENSORS);
      for (let i = 0; i < numRead; i++) expect(new Uint8Array(memory.buffer!, BYTES * i, BYTES).every((byte) => byte === i)).toBe(true);
    },
  }, silent);
  expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
  expect(arrivals.at(-1)).toBe(NUM_TENSORS + 1);
});
