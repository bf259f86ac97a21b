// Loads, generates and disposes again and again, and says what the process then takes: fails where that grows.
//   npm run test:memory -- [MODEL] [--rounds 100] [--threads N] [--growth 0.05] [--json]
// The resident set after round 3 is what a round leaves behind by nature (code, V8's heap); the end may be 5 % above it, or what --growth says.
import { parseArgs } from './command-line.mjs';
import { Engine } from '../dist/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '100' }, threads: { type: 'string' }, growth: { type: 'string', default: '0.05' }, json: { type: 'boolean', default: false },
  },
});
const [model = 'smollm2'] = positionals;
const rounds = Number(values.rounds);
const threads = values.threads === undefined ? undefined : Number(values.threads);
const BASE_ROUND = 3;

/** Bytes of the resident set: ended threads give theirs back a little later. */
async function settledRss() {
  let least = Infinity;
  for (let attempt = 0; attempt < 8; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    least = Math.min(least, process.memoryUsage.rss());
  }
  return least;
}

const samples = [];
for (let round = 1; round <= rounds; round++) {
  const engine = await Engine.load(model, { threads, contextLength: 256 });
  await engine.complete('Once upon a time', { temperature: 0, maxTokens: 8, ignoreEos: true });
  await engine.dispose();
  samples.push(await settledRss());
  if (!values.json && (round <= BASE_ROUND || round % 10 === 0)) console.log(`round ${round}: ${(samples.at(-1) / 2 ** 20).toFixed(1)} MiB`);
}
const growth = samples.at(-1) / samples[BASE_ROUND - 1] - 1;
if (values.json) console.log(JSON.stringify({ model, rounds, samples, growth }));
else console.log(`growth since round ${BASE_ROUND}: ${(100 * growth).toFixed(1)} %`);
if (growth > Number(values.growth)) process.exitCode = 1;
