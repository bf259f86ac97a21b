// What a saved session is worth: prefilling a prompt against restoring it from a file, in turn, in one process.
//   npm run build && node bench/session.mjs [MODEL] [--tokens 2000] [--rounds 5] [--threads N]
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from '../scripts/command-line.mjs';
import { Engine } from '../dist/index.js';
import { median } from './peers/report/statistics.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: 'string', default: '2000' }, rounds: { type: 'string', default: '5' }, threads: { type: 'string' } },
});
const [model = 'smollm2'] = positionals;
const [tokens, rounds] = [Number(values.tokens), Number(values.rounds)];
const threads = values.threads === undefined ? undefined : Number(values.threads);

const dir = await mkdtemp(path.join(os.tmpdir(), 'clawdbot-bench-'));
const file = path.join(dir, 'prompt.session');
// As many blocks as one prompt fills: another one drives it out of the cache.
const contextLength = Math.ceil((tokens + 1) / 32) * 32;
const engine = await Engine.load(model, { contextLength, threads });
try {
  const ids = Array.from({ length: tokens }, (_, i) => 100 + ((i * 7919 + i * i) % (engine.model.vocabSize - 200)));
  const other = ids.map((id) => id + 1);
  const next = { temperature: 0, maxTokens: 1, ignoreEos: true };
  const times = { prefill: [], save: [], restore: [], firstToken: [] };
  let byteLength = 0;
  for (let round = 0; round < rounds; round++) {
    await engine.complete(other, next);
    const prefill = await engine.complete(ids, next);
    if (prefill.timings.cachedTokens > 0) throw new Error('The prompt was still in the cache: this would not be a prefill.');
    times.prefill.push(prefill.timings.ttftMs);
    let start = performance.now();
    ({ byteLength } = await engine.saveSession(ids, { file }));
    times.save.push(performance.now() - start);
    await engine.complete(other, next);
    start = performance.now();
    await engine.loadSession(file);
    times.restore.push(performance.now() - start);
    const restored = await engine.complete(ids, next);
    if (restored.timings.cachedTokens !== tokens - 1) throw new Error(`Only ${restored.timings.cachedTokens} tokens were restored.`);
    if (restored.ids[0] !== prefill.ids[0]) throw new Error('A restored prompt goes on otherwise than a prefilled one.');
    times.firstToken.push(restored.timings.ttftMs);
  }
  const [prefillMs, saveMs, restoreMs, firstTokenMs] = Object.values(times).map(median);
  console.log(JSON.stringify({
    model: engine.model.name, tokens, threads: engine.model.threads, kernels: engine.model.kernels, node: process.version, rounds,
    megabytes: byteLength / 1e6, prefillMs, saveMs, restoreMs, firstTokenMs, ratio: prefillMs / restoreMs,
    ratioWithFirstToken: prefillMs / (restoreMs + firstTokenMs), samples: times,
  }, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value), 1));
} finally {
  await engine.dispose();
  await rm(dir, { recursive: true });
}
