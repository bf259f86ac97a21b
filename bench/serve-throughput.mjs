// Tokens per second of 1, 2, 4 and 8 requests at the same time: in the engine, through HTTP, and of llama.cpp by node-llama-cpp
// (bench/peers; left out where it is not installed, and --model is no file), taking turns round by round.
//   node bench/serve-throughput.mjs [--model FILE.gguf] [--threads 2] [--rounds 3] [--tokens 64]
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import os from 'node:os';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from '../scripts/command-line.mjs';
import { median } from './peers/report/statistics.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'smollm2' }, threads: { type: 'string', default: '2' }, rounds: { type: 'string', default: '3' },
    tokens: { type: 'string', default: '64' }, dist: { type: 'string', default: new URL('../dist/', import.meta.url).pathname },
    peers: { type: 'string', default: new URL('./peers/', import.meta.url).pathname },
  },
});
const COUNTS = [1, 2, 4, 8];
const [threads, rounds, newTokens] = [values.threads, values.rounds, values.tokens].map(Number);
const { Engine } = await import(pathToFileURL(`${values.dist}index.js`).href);
const { createHandler } = await import(pathToFileURL(`${values.dist}serve.js`).href);
const engine = await Engine.load(values.model, { threads, contextLength: 1024, maxSequences: 8, prefixCacheBytes: 0 });
const promptOf = (i) => `Story number ${i}: once upon a time there was a`;

async function inEngine(i) {
  for await (const _ of engine.generate(promptOf(i), { maxTokens: newTokens, ignoreEos: true, temperature: 0 }));
}

const handler = createHandler(engine);
const { serve } = await import('@hono/node-server');
const server = serve({ fetch: handler, port: 0, hostname: '127.0.0.1' });
if (!server.listening) await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}/v1/completions`;

async function throughHttp(i) {
  const body = { model: engine.model.name, prompt: promptOf(i), max_tokens: newTokens, ignore_eos: true, temperature: 0, stream: true };
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!text.endsWith('data: [DONE]\n\n')) throw new Error(`The stream broke off: ${text.slice(-200)}`);
}

async function nativeSide() {
  if (!existsSync(`${values.peers}node_modules/node-llama-cpp`)) return undefined;
  const { getLlama } = await import(pathToFileURL(createRequire(values.peers).resolve('node-llama-cpp')).href);
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: threads });

  const model = await llama.loadModel({ modelPath: values.model, gpuLayers: 0 });
  const context = await model.createContext({ contextSize: 1024, batchSize: 512, sequences: 8, threads: { ideal: threads, min: threads } });
  const sequences = Array.from({ length: 8 }, () => context.getSequence({ checkpoints: { max: 0, interval: false } }));
  return {
    close: () => llama.dispose(),
    async one(i) {
      await sequences[i].clearHistory();
      let count = 0;
      for await (const _ of sequences[i].evaluate(model.tokenize(promptOf(i)), { temperature: 0, yieldEogToken: true })) if (++count === newTokens) break;
    },
  };
}

const native = existsSync(values.model) ? await nativeSide() : undefined;
const sides = [['engine', inEngine], ['http', throughHttp], ...(native ? [['node-llama-cpp', native.one]] : [])];
const figures = Object.fromEntries(sides.map(([name]) => [name, COUNTS.map(() => [])]));
for (const [, one] of sides) await one(0);
for (let round = 0; round < rounds; round++) {
  for (const [name, one] of sides) {
    for (const [at, count] of COUNTS.entries()) {
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: count }, (_, i) => one(i)));
      figures[name][at].push((1000 * count * newTokens) / (performance.now() - startedAt));
    }
  }
}
console.log(`${values.model.split('/').at(-1)}, ${threads} threads, kernels ${engine.model.kernels}, ${newTokens} tokens each, median of ${rounds} rounds, Node ${process.version}, ` +
  `${os.cpus()[0].model.trim()}, load ${os.loadavg()[0].toFixed(1)}\n`);
console.log(`| tokens per second | ${COUNTS.join(' | ')} | ${COUNTS.at(-1)} against 1 |\n|---|${'---:|'.repeat(COUNTS.length + 1)}`);
for (const [name, lists] of Object.entries(figures)) {
  const rates = lists.map(median);
  console.log(`| ${name} | ${rates.map((rate) => rate.toFixed(0)).join(' | ')} | ${(rates.at(-1) / rates[0]).toFixed(2)} |`);
}
server.close();
await engine.dispose();
await native?.close();
