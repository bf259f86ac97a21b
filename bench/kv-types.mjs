// What each element type of the key/value cache costs in accuracy: how far each token's log-probability moves from what
// `f32` gives, in nats. Usage, after npm run build:
//   node bench/kv-types.mjs --model MODEL.gguf --text TEXT.txt [--tokens 999] [--types i16,q8_0,q4_0,f16] [--threads 2] [--json]
// On weights of float32 (bench/peers/exact-weights.mjs makes them) nothing but the cache rounds.
import { readFileSync } from 'node:fs';
import { parseArgs } from '../scripts/command-line.mjs';
import { Engine } from '../dist/index.js';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    text: { type: 'string' },
    tokens: { type: 'string', default: '999' },
    types: { type: 'string', default: 'i16,q8_0,q4_0,f16' },
    threads: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
const numTokens = Number(options.tokens);

async function score(kvType) {
  const engine = await Engine.load(options.model, { kvType, contextLength: numTokens, threads: Number(options.threads) });
  try {
    const ids = engine.tokenize(readFileSync(options.text, 'utf8')).slice(0, numTokens);
    return { tokenNlls: (await engine.score(ids)).tokenNlls, kvBytes: engine.model.memory.kvBytes };
  } finally {
    await engine.dispose();
  }
}

const exact = await score('f32');
const results = [];
for (const type of options.types.split(',')) {
  const { tokenNlls, kvBytes } = await score(type);
  const changes = tokenNlls.map((nll, i) => nll - exact.tokenNlls[i]);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  results.push({
    type, meanAbsolute: mean(changes.map(Math.abs)), mean: mean(changes),
    perplexity: Math.exp(mean(tokenNlls)), bytesPerToken: kvBytes / numTokens,
  });
}
if (options.json) {
  console.log(JSON.stringify({ model: options.model, numTokens: exact.tokenNlls.length + 1, results }));
} else {
  console.log('type    |change|    change  perplexity  bytes/token');
  for (const { type, meanAbsolute, mean, perplexity, bytesPerToken } of results) {
    console.log(
      `${type.padEnd(6)} ${meanAbsolute.toFixed(4).padStart(9)} ${mean.toFixed(5).padStart(9)} ${perplexity.toFixed(3).padStart(11)} ${bytesPerToken.toFixed(0).padStart(12)}`,
    );
  }
}
