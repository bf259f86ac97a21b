// A load run against `clawdbot serve` on this machine: many clients, mixed lengths, some that go away, some that are wrong.
// Prints a table and exits with 1 when a line of it fails.
//   node test/load/run.mjs [--minutes 5] [--clients 64] [--model smollm2] [--threads 2] [--context 2048] [--seed 1]
import { spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { client } from './clients.mjs';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' }, clients: { type: 'string', default: '64' }, model: { type: 'string', default: 'smollm2' },
    threads: { type: 'string', default: '2' }, context: { type: 'string', default: '2048' }, seed: { type: 'string', default: '1' },
  },
});
/** What /health may take at most, in ms. */
const HEALTH_MS = 50;
/** How much more memory the server may have at the end than in the middle. */
const GROWTH = 1.1;
const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

const server = spawn(process.execPath, [
  PROGRAM, 'serve', `load=${options.model}`, '--port', '0', '--json', '--quiet', '--no-page', '--threads', options.threads,
  '--context', options.context, '--max-requests', String(2 * options.clients),
], { stdio: ['ignore', 'pipe', 'inherit'] });
let ended;
server.on('exit', (code, signal) => (ended = signal ?? code));
process.on('exit', () => server.kill('SIGKILL'));
server.stdout.setEncoding('utf8');
const { url } = JSON.parse((await Promise.race([
  once(server.stdout, 'data'), once(server, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code}`))),
]))[0]);

const durationMs = 60_000 * Number(options.minutes);
const startedAt = performance.now();
const over = new AbortController();
setMaxListeners(0, over.signal);
setTimeout(() => over.abort(), durationMs);
server.on('exit', () => over.abort());
const notes = [];
const probe = new Worker(new URL('./health.mjs', import.meta.url), { workerData: { url, everyMs: 100 } });
const probed = once(probe, 'message');
probed.catch(() => undefined);
const memory = [];
/** By then every place has been taken once. */
const settling = Math.min(30_000, durationMs / 10);
const sampling = [settling, durationMs / 2, durationMs - 500].map((ms) => setTimeout(() => memory.push(residentBytes()), ms));
const running = Array.from({ length: Number(options.clients) }, (_, i) =>
  client({ url, model: 'load', seed: 1000 * Number(options.seed) + i, over: over.signal, note: (entry) => notes.push(entry) }));
await Promise.all(running);
const seconds = (performance.now() - startedAt) / 1000;
sampling.forEach(clearTimeout);
probe.postMessage('stop');
const [{ server: healthMs, idle: idleMs }] = await probed;
const figures = ended === undefined ? await settledMetrics() : undefined;
const stopping = once(server, 'exit');
server.kill('SIGTERM');
if (ended === undefined) await stopping;
report();

/** Bytes in memory of the server's process (Linux). */
function residentBytes() {
  return ended !== undefined ? 0 : 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);
}

async function metrics() {
  const text = await (await fetch(`${url}/metrics`)).text();
  return (name) => text.split('\n').filter((line) => line.startsWith(name)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Once nothing runs any more, or after five seconds in which something should have ended. */
async function settledMetrics() {
  for (let i = 0; ; i++) {
    const read = await metrics();
    const left = read('clawdbot_sequences_running') + read('clawdbot_requests_active');
    if (left === 0 || i === 50) {
      return {
        left, usedBlocks: read('clawdbot_kv_blocks{model="load",state="used"}'), decoded: read('clawdbot_tokens_total{model="load",kind="decoded"}'),
        prefilled: read('clawdbot_tokens_total{model="load",kind="prefilled"}'), passes: read('clawdbot_passes_total'),
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

function report() {
  const of = (kind) => notes.filter((entry) => entry.kind === kind);
  const errors = new Map();
  for (const { error } of notes) if (error) errors.set(error, (errors.get(error) ?? 0) + 1);
  const ttft = of('answered').flatMap(({ ttftMs }) => ttftMs ?? []);
  const [start, middle, end] = memory;
  const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const ms = (values, share) => `${quantile(values, share).toFixed(values === ttft ? 0 : 1)} ms`;
  const rows = [
    ['requests: answered, cancelled, invalid, cut off at the end', ['answered', 'cancelled', 'invalid', 'cut off'].map((kind) => of(kind).length).join(', '),
      of('answered').length > 0],
    ['errors', [...errors].map(([error, count]) => `${count} × ${error}`).join('; ') || 'none', errors.size === 0],
    ['time to first token, p50 / p99', `${ms(ttft, 0.5)} / ${ms(ttft, 0.99)}`, ttft.length > 0],
    ['tokens per second: decoded, prefilled', figures ? `${(figures.decoded / seconds).toFixed(0)}, ${(figures.prefilled / seconds).toFixed(0)}` : '', figures !== undefined],
    ['decoded tokens per pass', figures ? (figures.decoded / figures.passes).toFixed(1) : '', figures !== undefined],
    ['resident memory: start, middle, end', memory.map(mib).join(', '), memory.length === 3 && end <= GROWTH * middle && start > 0],
    ['blocks and requests left behind', figures ? `${figures.usedBlocks}, ${figures.left}` : '', figures?.usedBlocks === 0 && figures.left === 0],
    ['/health, p50 / p99 / most', `${ms(healthMs, 0.5)} / ${ms(healthMs, 0.99)} / ${ms(healthMs, 1)} (${healthMs.length})`, Math.max(...healthMs) < HEALTH_MS],
    ['the same of an idle server beside it', `${ms(idleMs, 0.5)} / ${ms(idleMs, 0.99)} / ${ms(idleMs, 1)}`, true],
    ['end of the server after SIGTERM', `${ended}`, ended === 0],
  ];
  console.log(`${options.clients} clients, ${options.minutes} minutes, ${options.model}, ${options.threads} threads, Node ${process.version}, ` +
    `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, load ${os.loadavg()[1].toFixed(1)}\n`);
  console.log('| figure | value | |\n|---|---|---|');
  for (const [name, value, isRight] of rows) console.log(`| ${name} | ${value} | ${isRight ? 'ok' : 'FAILED'} |`);
  process.exitCode = rows.every(([, , isRight]) => isRight) ? 0 : 1;
}
