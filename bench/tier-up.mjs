// What V8's two compilers cost until the first token: fresh processes that differ in V8's flags alone, taking turns.
//   npm run build && node bench/tier-up.mjs [MODEL] [--rounds 5] [--threads 2] [--prompt 16] [--json]
// `default` is Liftoff first, TurboFan for what runs often; `liftoff` never gets to TurboFan; `turbofan` begins with it.
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from '../scripts/command-line.mjs';
import { median } from './peers/report/statistics.mjs';

const { values, positionals: [model = 'smollm2'] } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' }, threads: { type: 'string', default: '2' }, prompt: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false }, one: { type: 'boolean', default: false },
  },
});
const WAYS = { default: [], liftoff: ['--liftoff-only'], turbofan: ['--no-liftoff'] };

/** In a process of its own: times of loading, and of two requests with prompts that share nothing. */
async function measure() {
  const startedAt = performance.now();
  const { Engine } = await import('../dist/index.js');
  const engine = await Engine.load(model, { threads: Number(values.threads), contextLength: 512, prefixCacheBytes: 0 });
  const loadMs = performance.now() - startedAt;
  const requests = [];
  for (const from of [1000, 5000]) {
    const ids = Array.from({ length: Number(values.prompt) }, (_, i) => from + 17 * i);
    const { timings } = await engine.complete(ids, { temperature: 0, maxTokens: 33, ignoreEos: true });
    requests.push({ ttftMs: timings.ttftMs, tokensPerSecond: timings.decodeTokensPerSecond });
  }
  await engine.dispose();
  return { loadMs, first: requests[0], second: requests[1] };
}

if (values.one) {
  console.log(JSON.stringify(await measure()));
} else {
  const samples = Object.fromEntries(Object.keys(WAYS).map((way) => [way, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [way, flags] of Object.entries(WAYS)) {
      const args = [...flags, fileURLToPath(import.meta.url), model, '--one', '--threads', values.threads, '--prompt', values.prompt];
      const { status, stdout } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
      if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}.`);
      samples[way].push(JSON.parse(stdout));
    }
  }
  const figures = {
    'load, ms': ({ loadMs }) => loadMs,
    'first request: first token, ms': ({ first }) => first.ttftMs,
    'first request: tokens/s': ({ first }) => first.tokensPerSecond,
    'second request: first token, ms': ({ second }) => second.ttftMs,
    'second request: tokens/s': ({ second }) => second.tokensPerSecond,
  };
  const rows = Object.entries(figures).map(([name, pick]) => [name, ...Object.keys(WAYS).map((way) => median(samples[way].map(pick)))]);
  const about = `${model}, ${values.threads} threads, prompt of ${values.prompt}, median of ${values.rounds} processes each, Node ${process.version}, ` +
    `${os.cpus()[0]?.model.trim()}, load ${os.loadavg()[0].toFixed(1)}`;
  if (values.json) console.log(JSON.stringify({ about, rows, samples }, undefined, 1));
  else {
    console.log(`${about}\n\n| | ${Object.keys(WAYS).join(' | ')} |\n|---|${'---:|'.repeat(Object.keys(WAYS).length)}`);
    for (const [name, ...cells] of rows) console.log(`| ${name} | ${cells.map((cell) => cell.toFixed(0)).join(' | ')} |`);
  }
}
