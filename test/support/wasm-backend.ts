// The wasm backend with one thread on memory of its own, for suites that run on any backend.
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { Arena } from '../../src/backends/arena.ts';
import { createWasmBackend } from '../../src/backends/wasm/backend.ts';
import { ARENA_BASE, writeTables } from '../../src/backends/wasm/memory-map.ts';
import { CONTROL_BYTES } from '../../src/backends/wasm/thread.ts';
import { inRepository } from './fixtures.ts';
import type { BackendSetup, TestBackend } from './run-model.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const PAGES = 1024;

export function wasmTestBackend(build: 'baseline' | 'relaxed'): (setup: BackendSetup) => TestBackend {
  const module = new WebAssembly.Module(readFileSync(inRepository('dist/kernels', `${build}.wasm`)));
  return (setup) => {
    const memory = new WebAssembly.Memory({ initial: PAGES });
    writeTables(memory);
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const arena = new Arena(ARENA_BASE, PAGES * 65536);
    const controlPtr = arena.allocate(CONTROL_BYTES, 'control');
    const backend = createWasmBackend({ memory, instance, arena, threadIndex: 0, numThreads: 1, controlPtr, ...setup });
    return { memory: memory.buffer, arena, backend };
  };
}
