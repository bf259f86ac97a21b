// Time to the first token of a prompt whose keys and values are cached, beside a step of decoding in the same run.
//   npm run build && node bench/first-token.mjs [MODEL] [--tokens 512] [--rounds 9] [--threads N]
import { parseArgs } from '../scripts/command-line.mjs';
import { Engine } from '../dist/index.js';
import { median } from './peers/report/statistics.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: 'string', default: '512' }, rounds: { type: 'string', default: '9' }, threads: { type: 'string' } },
});
const [model = 'smollm2'] = positionals;
const [tokens, rounds] = [Number(values.tokens), Number(values.rounds)];
const threads = values.threads === undefined ? undefined : Number(values.threads);

const engine = await Engine.load(model, { contextLength: tokens + 128, threads });
try {
  const ids = Array.from({ length: tokens }, (_, i) => 100 + ((i * 7919 + i * i) % (engine.model.vocabSize - 200)));
  const options = { temperature: 0, maxTokens: 32, ignoreEos: true };
  const cold = await engine.complete(ids, options);
  const [firstToken, step] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const { timings } = await engine.complete(ids, options);
    if (timings.cachedTokens !== tokens - 1) throw new Error(`Only ${timings.cachedTokens} tokens were cached.`);
    firstToken.push(timings.ttftMs);
    step.push(1000 / timings.decodeTokensPerSecond);
  }
  console.log(JSON.stringify({
    model: engine.model.name, tokens, threads: engine.model.threads, kernels: engine.model.kernels, node: process.version, rounds,
    coldMs: cold.timings.ttftMs, firstTokenMs: median(firstToken), stepMs: median(step), ratio: median(firstToken) / median(step),
    samples: { firstToken, step },
  }, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value), 1));
} finally {
  await engine.dispose();
}
