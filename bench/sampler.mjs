// Time that the sampler takes per token, by options, on a vocabulary of 262144: one like a language model's, a few
// tokens far above a bell, and one so flat that a top-p of 0.9 keeps 12 000. Usage: node bench/sampler.mjs [--json]
import { parseArgs } from '../scripts/command-line.mjs';
import { importSources } from './bundle.mjs';

const VOCAB_SIZE = 262144;
const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const { createSampler, SamplerMemory } = await importSources(`export * from './src/engine/sampler/sampler.ts';`);

const ALL = { topK: 0, topP: 1, minP: 0 };
const CASES = {
  'greedy': { temperature: 0 },
  'default': {},
  'temperature only': ALL,
  'top-p 0.9 only': { ...ALL, topP: 0.9 },
  'min-p 0.05 only': { ...ALL, minP: 0.05 },
  'typical 0.9 only': { ...ALL, typicalP: 0.9 },
  'mirostat': { mirostat: 2 },
  'default, logprobs 5': { logprobs: 5 },
  'default, penalties': { repetitionPenalty: 1.1, presencePenalty: 0.5, frequencyPenalty: 0.5 },
  'default, DRY': { dryMultiplier: 0.8 },
};

let state = 1;
const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const flat = Float32Array.from({ length: VOCAB_SIZE }, () => 3 * normal() - 3);
const peaked = flat.slice();
for (let i = 0; i < 30; i++) peaked[Math.floor(uniform() * VOCAB_SIZE)] = 12 + 8 * uniform();
const history = Array.from({ length: 2048 }, () => Math.floor(uniform() * 2000));

const memory = new SamplerMemory(VOCAB_SIZE);
const runs = Object.entries({ peaked, flat }).flatMap(([shape, logits]) =>
  Object.entries(CASES).map(([name, options]) => {
    const sampler = createSampler({ ...options, seed: 1 }, memory);
    for (const id of history) sampler.accept(id);
    return { shape, name, sampler, logits, times: [] };
  }));

// In turns, so that a busy neighbour meets all alike; the first rounds are compilation.
for (let round = 0; round < 150; round++) {
  for (const { sampler, logits, times } of runs) {
    const startedAt = performance.now();
    sampler.sample(logits);
    if (round >= 50) times.push(performance.now() - startedAt);
  }
}
for (const { shape, name, times } of runs) {
  times.sort((a, b) => a - b);
  const [fastestMs, medianMs] = [times[0], times[times.length >> 1]];
  if (flags.json) console.log(JSON.stringify({ shape, name, fastestMs, medianMs }));
  else console.log(shape.padEnd(8), name.padEnd(20), `fastest ${fastestMs.toFixed(2)} ms, median ${medianMs.toFixed(2)} ms`);
}
