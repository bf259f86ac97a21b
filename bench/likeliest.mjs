// What it takes to find the likeliest tokens: a head's whole product against the search (docs/architecture.md), as milliseconds on one
// thread for columns that have much in common; with --model, tokens/s of that model when it searches and when it may not (a bias of
// 0, which costs a copy of the logits), taking turns.
//   node bench/likeliest.mjs [--rows 262144] [--cols 640] [--count 1] [--own 0.3] [--build relaxed|dot]
//   node bench/likeliest.mjs --model FILE.gguf [--threads 1,2] [--rounds 3] [--new-tokens 128]
// --own is the part of a column that others do not have.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { parseArgs } from '../scripts/command-line.mjs';
import { importSources, root } from './bundle.mjs';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '262144' },
    cols: { type: 'string', default: '640' },
    count: { type: 'string', default: '1' },
    own: { type: 'string', default: '0.3' },
    build: { type: 'string', default: 'relaxed' },
    model: { type: 'string' },
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '3' },
    'new-tokens': { type: 'string', default: '128' },
  },
});
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const random = (() => {
  let state = 42;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
})();

if (options.model) await measureModel();
else await measureKernels();

async function measureKernels() {
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  const {
    ARENA_BASE, Arena, LikeliestSearch, activationBytes, instantiateKernels, matmulRows, ownLikeliestBytes, packActivations, repackRows,
    scratchBytes, selfTest, sharedLikeliestBytes, writeTables,
  } = await importSources(['matmul', 'likeliest', 'memory-map', 'kernels', 'self-test'].map((name) => `export * from './src/backends/wasm/${name}.ts';`)
    .concat(`export * from './src/backends/arena.ts';`).join('\n'));
  const [rows, cols, count] = [options.rows, options.cols, options.count].map(Number);
  const rowBytes = 34 * (cols / 32);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((rows * (rowBytes + 40) + 2 ** 22) / 65536) });
  writeTables(memory);
  const module = new WebAssembly.Module(readFileSync(path.join(root, 'dist/kernels', `${options.build}.wasm`)));
  if (!selfTest(instantiateKernels(module, new WebAssembly.Memory({ initial: 2 })))) {
    throw new Error(`Node ${process.version} computes the ${options.build} kernels wrong: take a newer one.`);
  }
  const kernels = instantiateKernels(module, memory);
  const arena = new Arena(ARENA_BASE, memory.buffer.byteLength);
  const allocate = (bytes) => arena.allocate(bytes, 'benchmark');
  const floats = (length) => ({ ptr: allocate(4 * length), rows: 1, cols: length, stride: length, allocation: 0 });
  const weight = { name: 'head', type: 'Q8_0', layout: 'halves64', rows, cols, depth: 1, ptr: allocate(rows * rowBytes), rowBytes };
  const bytes = new Uint8Array(memory.buffer, weight.ptr, rows * rowBytes);
  for (let at = 0; at < bytes.length; at++) bytes[at] = at % 34 === 0 ? 0 : at % 34 === 1 ? 0x20 : 256 * random();
  const sharedPtr = allocate(sharedLikeliestBytes(rows, 1)), scratchPtr = allocate(scratchBytes(weight));
  repackRows(kernels, weight, 0, rows, scratchPtr, sharedPtr);
  const search = new LikeliestSearch(kernels, 0, 1, { sharedPtr, ownPtr: allocate(ownLikeliestBytes(rows, cols)) }, rows);
  const [x, out, packedPtr] = [floats(cols), floats(rows), allocate(activationBytes('q8_halves', 1, cols))];
  const common = Float32Array.from({ length: cols }, () => random() - 0.5);
  const times = { whole: [], search: [] };
  for (let round = 0; round < 60; round++) {
    new Float32Array(memory.buffer, x.ptr, cols).set(common.map((value) => value + Number(options.own) * (random() - 0.5)));
    packActivations(kernels, 'q8_halves', packedPtr, x, 0, 1, 1);
    for (const [name, run] of Object.entries({
      whole: () => matmulRows(kernels, weight, x, packedPtr, out, 1, 0, rows, {}, scratchPtr),
      search: () => search.run({ out, weight, x, packedPtr, count, scratchPtr }, [0, rows]),
    })) {
      const startedAt = performance.now();
      run();
      if (round >= 30) times[name].push(performance.now() - startedAt);
    }
  }
  const found = search.found()?.length ?? rows;
  const gigabytes = (part, ms) => `${((rows * rowBytes * part) / ms / 1e6).toFixed(1)} GB/s`;
  const [whole, searched] = [median(times.whole), median(times.search)];
  console.log(`${options.build}, node ${process.version}, Q8_0 ${rows} × ${cols}, the ${count} highest, 1 thread`);
  console.log(`whole product ${whole.toFixed(2)} ms, ${gigabytes(1, whole)}`);
  console.log(`search        ${searched.toFixed(2)} ms, ${gigabytes(18 / 34, searched)} of upper halves; ${found} rows computed in the last`);
}

async function measureModel() {
  const { Engine } = await import('../dist/index.js');
  const prompt = 'Here is a long story about a dragon and a princess who live near the sea. Once upon a time';
  for (const threads of options.threads.split(',').map(Number)) {
    const engine = await Engine.load(options.model, { threads });
    for (const [name, sampling] of Object.entries({ greedy: { temperature: 0 }, 'top-k 40, temperature 0.8': { seed: 1 } })) {
      const speeds = { search: [], all: [] };
      for (let round = 0; round < Number(options.rounds); round++) {
        const kinds = Object.entries({ all: { logitBias: { 0: 0 } }, search: {} });
        for (const [kind, extra] of round % 2 === 0 ? kinds : kinds.reverse()) {
          const settings = { ...sampling, ...extra, maxTokens: Number(options['new-tokens']), ignoreEos: true };
          speeds[kind].push((await engine.complete(prompt, settings)).timings.decodeTokensPerSecond);
        }
      }
      const [all, search] = [median(speeds.all), median(speeds.search)];
      console.log(`${threads} threads, ${name}: all logits ${all.toFixed(1)}, search ${search.toFixed(1)} tokens/s, ${(search / all).toFixed(2)} times`);
    }
    await engine.dispose();
  }
}
