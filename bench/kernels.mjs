// Speed of the matrix kernels: matrix-vector in GB/s of weight bytes against a memory-read ceiling measured in the same
// run, and prefill tiles in GFLOP/s. One thread. Usage: node bench/kernels.mjs [--build baseline|relaxed|dot] [--types Q4_1]
// [--shape 4096x4096] [--columns 64] [--weights 256] (MiB of weights that matrix-vector calls go round) [--json]
import { execFileSync } from 'node:child_process';
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
    types: {
      type: 'string',
      default: 'Q4_0,Q4_1,Q5_0,Q5_1,Q8_0,Q2_K,Q3_K,Q4_K,Q5_K,Q6_K,IQ4_NL,IQ4_XS,MXFP4,F16,BF16,F32',
    },
    shape: { type: 'string', default: '4096x4096' },
    columns: { type: 'string', default: '64' },
    weights: { type: 'string', default: '256' },
    seconds: { type: 'string', default: '0.4' },
    json: { type: 'boolean', default: false },
  },
});
const [rows, cols] = options.shape.split('x').map(Number);
const columns = Number(options.columns);
const coldBytes = Number(options.weights) * 2 ** 20;

await buildKernels({ quiet: true });
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
const {
  activationBytes, activationFormat, Arena, ARENA_BASE, GGML_TYPES, instantiateKernels, layoutFor, matmulRows,
  packActivations, scratchBytes, writeTables,
} = await importSources(`
  export * from './src/backends/wasm/matmul.ts';
  export { instantiateKernels } from './src/backends/wasm/kernels.ts';
  export { ARENA_BASE, writeTables } from './src/backends/wasm/memory-map.ts';
  export { Arena } from './src/backends/arena.ts';
  export { GGML_TYPES } from './src/gguf/ggml-types.ts';`);

const pages = Math.ceil((coldBytes * 1.3 + 4 * columns * (rows + 8 * cols)) / 65536) + 512;
const memory = new WebAssembly.Memory({ initial: pages });
writeTables(memory);
const module = new WebAssembly.Module(readFileSync(path.join(root, 'dist/kernels', `${options.build}.wasm`)));
const kernels = instantiateKernels(module, memory);

/**
 * Seconds per call: the fastest of many short samples that the benchmark package takes, because on a shared machine a
 * sample longer than a scheduler's slice measures the neighbours.
 */
function seconds(name, fn) {
  for (let i = 0; i < 8; i++) fn();
  const bench = new Benchmark(name, fn, { minTime: 0.0015, maxTime: Number(options.seconds), minSamples: 20 });
  bench.run();
  if (bench.error) throw bench.error;
  return Math.min(...bench.stats.sample);
}

const arena = new Arena(ARENA_BASE, pages * 65536);
const x = { ptr: arena.allocate(4 * columns * cols, 'x'), rows: columns, cols, stride: cols, allocation: 0 };
const out = { ptr: arena.allocate(4 * columns * rows, 'out'), rows: columns, cols: rows, stride: rows, allocation: 0 };
const packed = arena.allocate(activationBytes('q8', columns, cols) * 2, 'packed');
const scratchSize = 256 + 16 * cols;
const scratch = arena.allocate(scratchSize, 'scratch');
const weightsPtr = arena.allocate(coldBytes * 1.2, 'weights');
const floats = new Float32Array(memory.buffer, x.ptr, columns * cols);
for (let i = 0; i < floats.length; i++) floats[i] = Math.sin(i * 0.7) * 2;
const weightBytes = new Uint8Array(memory.buffer, weightsPtr, coldBytes * 1.2);
// Bytes that make no NaN in any format: speed must not depend on denormals or infinities.
for (let i = 0; i < weightBytes.length; i++) weightBytes[i] = 0x28 + (i * 7 & 7);

const CHUNK = 8 * 2 ** 20;
let chunk = 0;
const ceiling = CHUNK / seconds('read', () => {
  chunk = (chunk + CHUNK) % (coldBytes - CHUNK + 1);
  kernels.exports.read_bytes(weightsPtr + chunk - (chunk % 64), CHUNK);
}) / 1e9;
const results = [];
for (const type of options.types.split(',')) {
  const { blockSize, blockBytes } = GGML_TYPES[type];
  const rowBytes = (cols / blockSize) * blockBytes;
  const count = Math.max(1, Math.floor(coldBytes / (rows * rowBytes)));
  const weights = Array.from({ length: count }, (_, i) => ({
    name: type, type, layout: layoutFor(type, rows, cols), rows, cols, depth: 1,
    ptr: weightsPtr + i * rows * rowBytes, rowBytes,
  }));
  const format = activationFormat(weights[0]);
  if (scratchBytes(weights[0]) > scratchSize) throw new Error('scratch is too small');
  packActivations(kernels, format, packed, x, 0, 1, 1);
  let turn = 0;
  const vector = seconds(`${type} vector`, () => {
    turn = (turn + 1) % count;
    matmulRows(kernels, weights[turn], x, packed, out, 1, 0, rows, {}, scratch);
  });
  const packSeconds = seconds(`${type} pack`, () => packActivations(kernels, format, packed, x, 0, columns, columns));
  const tile = seconds(`${type} tile`, () => {
    // Few columns leave no time to hide where weights come from, so they are cold, as in a model.
    turn = (turn + 1) % (columns <= 16 ? count : 1);
    matmulRows(kernels, weights[turn], x, packed, out, columns, 0, rows, {}, scratch);
  });
  results.push({
    type, layout: weights[0].layout, activations: format,
    vectorGBs: (rows * rowBytes) / vector / 1e9,
    vectorGFLOPs: (2 * rows * cols) / vector / 1e9,
    tileGFLOPs: (2 * rows * cols * columns) / tile / 1e9,
    packGBs: format === 'f32' ? null : (4 * columns * cols) / packSeconds / 1e9,
  });
}
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root }).toString().trim();
if (options.json) {
  const setting = { build: options.build, node: process.version, commit, rows, cols, columns };
  console.log(JSON.stringify({ ...setting, ceilingGBs: ceiling, results }));
} else {
  console.log(`${options.build}, node ${process.version}, ${commit}, ${rows}×${cols}, 1 thread`);
  console.log(`memory read ${ceiling.toFixed(1)} GB/s`);
  console.log('type      layout        x      vector GB/s  GFLOP/s   ' + `${columns} columns GFLOP/s   pack GB/s`);
  for (const r of results) {
    console.log(
      `${r.type.padEnd(9)} ${r.layout.padEnd(13)} ${r.activations.padEnd(6)} ${r.vectorGBs.toFixed(1).padStart(11)} ` +
        `${r.vectorGFLOPs.toFixed(1).padStart(8)} ${r.tileGFLOPs.toFixed(1).padStart(20)} ` +
        (r.packGBs?.toFixed(1) ?? '').padStart(11),
    );
  }
}
