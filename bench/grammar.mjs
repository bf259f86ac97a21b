// What a grammar costs: decode speed with and without one, alternating. node bench/grammar.mjs [MODEL] [ROUNDS], after npm run build.
import { Engine } from '../dist/index.js';

const [model = 'smollm2', rounds = '7'] = process.argv.slice(2);
const engine = await Engine.load(model, { threads: 2, contextLength: 1024, prefixCacheBytes: 0 });
const messages = [{ role: 'user', content: 'Describe three people as JSON.' }];
const person = {
  type: 'object', required: ['name', 'age', 'biography'],
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0, maximum: 120 }, biography: { type: 'string', minLength: 40, maxLength: 400 } },
};
const settings = {
  free: {},
  json: { json: true },
  schema: { jsonSchema: { type: 'array', items: person, minItems: 3, maxItems: 3 } },
};
for (const temperature of [0, 0.8]) {
  const samples = Object.fromEntries(Object.keys(settings).map((name) => [name, []]));
  for (let round = 0; round <= Number(rounds); round++) {
    for (const [name, options] of Object.entries(settings)) {
      const { timings } = await engine.complete(messages, { ...options, temperature, seed: round, maxTokens: 160, ignoreEos: name === 'free' });
      // The first round compiles the grammar and the code.
      if (round > 0 && timings.newTokens > 20) samples[name].push(1000 / timings.decodeTokensPerSecond);
    }
  }
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  for (const [name, list] of Object.entries(samples)) {
    const ms = median(list);
    console.log(`temperature ${temperature} ${name.padEnd(7)} ${ms?.toFixed(3)} ms per token, ${(ms / median(samples.free)).toFixed(3)} of free (${list.length} runs)`);
  }
}
await engine.dispose();
