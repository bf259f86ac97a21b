// The plain TypeScript backend on memory of its own, for suites that run on any backend.
import { Arena } from '../../src/backends/arena.ts';
import { createReferenceBackend } from '../../src/backends/reference/reference-backend.ts';
import type { BackendSetup, TestBackend } from './run-model.ts';

/** Enough for every tiny model with its cache. */
const MEMORY_BYTES = 32 * 2 ** 20;

export function referenceTestBackend(setup: BackendSetup): TestBackend {
  const memory = new ArrayBuffer(MEMORY_BYTES);
  const arena = new Arena(64, MEMORY_BYTES);
  return { memory, arena, backend: createReferenceBackend({ memory, arena, ...setup }) };
}
