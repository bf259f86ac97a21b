// Speed of attention per element type of the cache: µs per row and layer when decoding, GFLOP/s for a prompt's rows.
// One thread. Usage: node bench/attention.mjs [--build baseline|relaxed] [--heads 9] [--kv-heads 3] [--dim 64]
// [--depths 128,1024,2048,8192] [--rows 64] [--types i16,q8_0,q4_0,f16] [--layers 1] (caches that calls go round: many are
// cold, as in a model) [--seconds 0.4] [--json]
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from '../scripts/command-line.mjs';
import v8 from 'node:v8';
import Benchmark from 'benchmark';
import { buildKernels } from '../scripts/build-kernels.mjs';
import { importSources, root } from './bundle.mjs';

const { values: options } = parseArgs({
  options: {
    build: { type: 'string', default: 'relaxed' },
    heads: { type: 'string', default: '9' },
    'kv-heads': { type: 'string', default: '3' },
    dim: { type: 'string', default: '64' },
    depths: { type: 'string', default: '128,1024,2048,8192' },
    rows: { type: 'string', default: '64' },
    types: { type: 'string', default: 'i16,q8_0,q4_0,f16' },
    layers: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '0.4' },
    json: { type: 'boolean', default: false },
  },
});
const [numHeads, numKvHeads, dim, rows, numLayers] = ['heads', 'kv-heads', 'dim', 'rows', 'layers'].map((name) => Number(options[name]));
const depths = options.depths.split(',').map(Number);

await buildKernels({ quiet: true });
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
const { Arena, ARENA_BASE, createWasmBackend, writeTables } = await importSources(`
  export { ARENA_BASE, writeTables } from './src/backends/wasm/memory-map.ts';
  export { createWasmBackend } from './src/backends/wasm/backend.ts';
  export { Arena } from './src/backends/arena.ts';`);
const module = new WebAssembly.Module(readFileSync(path.join(root, 'dist/kernels', `${options.build}.wasm`)));

/** Seconds per call: the fastest of many short samples, because longer ones measure the neighbours on a shared machine. */
function seconds(name, fn) {
  for (let i = 0; i < 8; i++) fn();
  const bench = new Benchmark(name, fn, { minTime: 0.0015, maxTime: Number(options.seconds), minSamples: 20 });
  bench.run();
  if (bench.error) throw bench.error;
  return Math.min(...bench.stats.sample);
}

/** Layers whose caches hold `depth` positions of one sequence, and a batch of its last `n` rows. */
function prepare(type, depth, n) {
  const numBlocks = Math.ceil(depth / 32);
  const bytes = numLayers * numBlocks * 32 * numKvHeads * dim * 8.5 + 4 * 3 * depth * numHeads * dim + 2 ** 24;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
  writeTables(memory);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const arena = new Arena(ARENA_BASE, memory.buffer.byteLength);
  const controlPtr = arena.allocate(256, 'control');
  const kv = { type, numBlocks };
  const backend = createWasmBackend({ memory, instance, arena, threadIndex: 0, numThreads: 1, controlPtr, kv, maxSlots: 1 });
  const caches = Array.from({ length: numLayers }, () => backend.kvLayer({ numHeads, numKvHeads, keyDim: dim, valueDim: dim }));
  const q = backend.activation(depth, numHeads * dim, 'q');
  const k = backend.activation(depth, numKvHeads * dim, 'k');
  const out = backend.activation(depth, numHeads * dim, 'out');
  const table = backend.indices(numBlocks, 'table');
  const ints = Object.fromEntries(['tokens', 'positions', 'blockTables', 'sequenceLengths', 'slots', 'outputs']
    .map((name) => [name, backend.indices(depth, name)]));
  backend.completeLayout();
  const int32 = new Int32Array(memory.buffer);
  for (let b = 0; b < numBlocks; b++) int32[table.ptr / 4 + b] = b;
  const floats = new Float32Array(memory.buffer);
  for (let i = 0; i < depth * numHeads * dim; i++) floats[q.ptr / 4 + i] = Math.sin(i * 0.7) * 2;
  for (let i = 0; i < depth * numKvHeads * dim; i++) floats[k.ptr / 4 + i] = Math.cos(i * 0.3);
  const fill = (first, count) => {
    for (let r = 0; r < count; r++) {
      int32[ints.positions.ptr / 4 + r] = first + r;
      int32[ints.blockTables.ptr / 4 + r] = table.ptr;
      int32[ints.sequenceLengths.ptr / 4 + r] = depth;
    }
    return { ...ints, blockTables: [ints.blockTables], numTokens: count, numOutputs: count };
  };
  const everything = fill(0, depth);
  for (const cache of caches) backend.storeKv(cache, k, k, everything);
  const batch = fill(depth - n, n);
  let layer = 0;
  return () => backend.attention(out, q, caches[layer++ % numLayers], batch, { numHeads, scale: 1 / Math.sqrt(dim), causal: true });
}

const results = [];
for (const depth of depths) {
  for (const type of options.types.split(',')) {
    const decode = seconds(`${type} decode`, prepare(type, depth, 1));
    const n = Math.min(rows, depth);
    const prefill = seconds(`${type} prefill`, prepare(type, depth, n));
    const flops = 4 * numHeads * dim * n * (depth - (n - 1) / 2);
    results.push({ type, depth, decodeMicroseconds: decode * 1e6, prefillGFLOPs: flops / prefill / 1e9 });
  }
}
if (options.json) {
  console.log(JSON.stringify({ build: options.build, node: process.version, numHeads, numKvHeads, dim, rows, results }));
} else {
  console.log(`${options.build}, node ${process.version}, ${numHeads} heads, ${numKvHeads} kv heads, dim ${dim}, 1 thread`);
  console.log(`depth    type   decode µs/row   ${rows} rows GFLOP/s`);
  for (const { type, depth, decodeMicroseconds, prefillGFLOPs } of results) {
    console.log(`${String(depth).padEnd(8)} ${type.padEnd(5)} ${decodeMicroseconds.toFixed(1).padStart(14)} ${prefillGFLOPs.toFixed(1).padStart(17)}`);
  }
}
