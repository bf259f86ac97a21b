// What a grammar costs on a model: time to compile it, to the first token, and per token after that, beside free text.
// node bench/grammar.mjs [MODEL] [ROUNDS], after npm run build. Runs alternate, so that a slow moment hits all alike.
import { Engine } from '../dist/index.js';
import { parseArgs } from '../scripts/command-line.mjs';
import { median } from './peers/report/statistics.mjs';

const { positionals: [model = 'smollm2', rounds = '7'] } = parseArgs({ allowPositionals: true });
const NEW_TOKENS = 96;
const engine = await Engine.load(model, { threads: 2, contextLength: 512, prefixCacheBytes: 0 });
const messages = [{ role: 'user', content: 'Describe three people as JSON.' }];
const person = {
  type: 'object', required: ['name', 'age', 'email', 'tags', 'biography'],
  properties: {
    name: { type: 'string', maxLength: 40 }, age: { type: 'integer', minimum: 0, maximum: 120 }, email: { type: 'string', format: 'email' },
    tags: { type: 'array', items: { enum: ['friend', 'colleague', 'family'] }, minItems: 1, maxItems: 3 }, biography: { type: 'string', minLength: 40 },
  },
};
const people = { type: 'array', items: person, minItems: 5 };
let serial = 0;
const settings = {
  'free text': () => ({}),
  'schema, known': () => ({ jsonSchema: people }),
  'schema, new': () => ({ jsonSchema: { ...people, $comment: `${serial++}` } }),
  json: () => ({ json: true }),
};
console.log(`${model}, ${engine.model.threads} threads, ${NEW_TOKENS} tokens, medians of ${rounds} runs`);
console.log('temperature  grammar         compile ms  first token ms  ms per token after  of free text');
for (const temperature of [0, 0.8]) {
  const samples = Object.fromEntries(Object.keys(settings).map((name) => [name, []]));
  // The first round warms up the code.
  for (let round = 0; round <= Number(rounds); round++) {
    for (const [name, options] of Object.entries(settings)) {
      const request = { ...options(), temperature, seed: round, maxTokens: NEW_TOKENS, ignoreEos: true };
      const startedAt = performance.now();
      const result = engine.complete(messages, request);
      // What is compiled is compiled before the call returns.
      const compileMs = performance.now() - startedAt;
      const { timings } = await result;
      if (round > 0 && timings.newTokens > NEW_TOKENS / 2) {
        samples[name].push({ compileMs, ttftMs: timings.ttftMs, perToken: 1000 / timings.decodeTokensPerSecond });
      }
    }
  }
  const perToken = (name) => median(samples[name].map((sample) => sample.perToken));
  for (const [name, list] of Object.entries(samples)) {
    if (list.length === 0) continue;
    const columns = [
      median(list.map((sample) => sample.compileMs)).toFixed(1).padStart(10), median(list.map((sample) => sample.ttftMs)).toFixed(1).padStart(14),
      perToken(name).toFixed(3).padStart(18), (perToken(name) / perToken('free text')).toFixed(3).padStart(12),
    ];
    console.log(`${String(temperature).padEnd(11)}  ${name.padEnd(14)}  ${columns.join('  ')}`);
  }
}
await engine.dispose();
