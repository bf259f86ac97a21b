// A large model in the runtime this runs in: loading, decoding as part of what the machine can read, a cached prompt's first token.
//   npm run build && node bench/large-models.mjs FILE.gguf [--threads 2] [--prompt 512] [--tokens 12] [--rounds 3] [--context 1024]
// `npm run bench:large` makes the files and runs it in several runtimes. Linux only, as it asks /proc for the peak.
import os from 'node:os';
import { parseArgs } from '../scripts/command-line.mjs';
import { Engine, openFile, readGguf } from '../dist/index.js';
import * as bandwidth from './peers/sides/bandwidth.mjs';
import { ownMemory } from './peers/sides/process-memory.mjs';
import { median } from './peers/report/statistics.mjs';

const { values, positionals: [file] } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' },
    prompt: { type: 'string', default: '512' },
    tokens: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
    context: { type: 'string', default: '1024' },
  },
});
const [threads, promptTokens, tokens, rounds, contextLength] =
  ['threads', 'prompt', 'tokens', 'rounds', 'context'].map((name) => Number(values[name]));
const GREEDY = { temperature: 0, ignoreEos: true };

/** Bytes of weights that one token reads: all of them, but of the embeddings a row. */
async function weightBytesPerToken() {
  const source = await openFile(file);
  const { tensors } = await readGguf(source);
  await source.close();
  const isTied = !tensors.some(({ name }) => name === 'output.weight');
  return tensors.filter(({ name }) => isTied || name !== 'token_embd.weight').reduce((sum, { byteLength }) => sum + byteLength, 0);
}

const perToken = await weightBytesPerToken();
const startedAt = performance.now();
const engine = await Engine.load(file, { threads, contextLength });
const loadMs = performance.now() - startedAt;
const peakAfterLoadBytes = ownMemory().peakBytes;
const { memory, kernels } = engine.model;
try {
  const ids = Array.from({ length: promptTokens }, (_, i) => 300 + ((i * 7919 + i * i) % 20000));
  const first = await engine.complete(ids, { ...GREEDY, maxTokens: 1 });
  const peakBytes = ownMemory().peakBytes;
  const reader = await bandwidth.load({ threads });
  const samples = { bytesPerSecond: [], msPerToken: [], firstTokenMs: [], share: [] };
  for (let round = 0; round < rounds; round++) {
    const { bytesPerSecond: before } = await reader.measure();
    const { ids: said, timings } = await engine.complete(ids, { ...GREEDY, maxTokens: tokens });
    const { bytesPerSecond: after } = await reader.measure();
    if (timings.cachedTokens !== promptTokens - 1) throw new Error(`Only ${timings.cachedTokens} tokens of the prompt were cached.`);
    if (said[0] !== first.ids[0]) throw new Error('A cached prompt goes on otherwise than a computed one.');
    const bytesPerSecond = (before + after) / 2;
    const msPerToken = 1000 / timings.decodeTokensPerSecond;
    samples.bytesPerSecond.push(bytesPerSecond);
    samples.msPerToken.push(msPerToken);
    samples.firstTokenMs.push(timings.ttftMs);
    samples.share.push((1000 * perToken) / msPerToken / bytesPerSecond);
  }
  await reader.close();
  console.log(JSON.stringify({
    model: engine.model.name.split('/').at(-1),
    runtime: globalThis.Deno ? `Deno ${globalThis.Deno.version.deno}` : `Node ${process.versions.node}`,
    cpu: os.cpus()[0]?.model, threads, kernels, shards: memory.numShards, contextLength,
    loadMs, loadGBps: memory.weightBytes / loadMs / 1e6,
    weightGB: memory.weightBytes / 1e9, kvGB: memory.kvBytes / 1e9, scratchGB: memory.scratchBytes / 1e9,
    peakAfterLoadGB: peakAfterLoadBytes / 1e9, peakGB: peakBytes / 1e9,
    prefillTokensPerSecond: first.timings.prefillTokensPerSecond,
    readGBps: median(samples.bytesPerSecond) / 1e9,
    decodeTokensPerSecond: 1000 / median(samples.msPerToken),
    shareOfBandwidth: median(samples.share),
    msPerToken: median(samples.msPerToken), firstTokenCachedMs: median(samples.firstTokenMs),
    samples,
  }, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value)));
} finally {
  await engine.dispose();
}
