// What the example Worker costs in workerd, before and with a model: how much longer a process takes to its first answer than with
// an empty Worker (its own processor time, which other programs do not disturb, and wall time), memory, and what is deployed.
//   (cd test/edge && npm ci); npm run build; node bench/workerd-cold-start.mjs [--rounds 9]
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from '../scripts/command-line.mjs';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { median } from './peers/report/statistics.mjs';

const { values: { rounds } } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });
const inRepository = (path) => new URL(`../${path}`, import.meta.url).pathname;
const WORKERD = createRequire(inRepository('test/edge/package.json')).resolve('@cloudflare/workerd-linux-64/bin/workerd');
const MODEL = 'test/data/arch/q-llama-q4_0.gguf';
const folder = inRepository('build/workerd-cold-start');
mkdirSync(folder, { recursive: true });

const { outputFiles: [{ text }] } = await esbuild.build({
  entryPoints: [inRepository('examples/cloudflare-workers/worker.js')], bundle: true, minify: true, format: 'esm', target: 'es2022',
  // What examples/package.json has installed is this package here.
  absWorkingDir: inRepository('.'), alias: { '@clawdbot/runtime': '@clawdbot/runtime' },
  conditions: ['workerd', 'worker', 'browser'], external: ['./kernels/*'], write: false, tsconfigRaw: '{}',
});
const kernels = readFileSync(inRepository('dist/kernels/baseline.wasm'));
const files = {
  'empty.js': 'export default { fetch: () => new Response("", { status: 400 }) };',
  'worker.js': text, 'baseline.wasm': kernels, 'model.gguf': readFileSync(inRepository(MODEL)),
  // A bucket with one model.
  'served.js': `import worker from './worker.js';
    import model from './model.gguf';
    const MODELS = { get: async () => ({ arrayBuffer: async () => model.slice(0) }) };
    export default { fetch: (request) => worker.fetch(request, { MODELS }) };`,
};
for (const [name, contents] of Object.entries(files)) writeFileSync(`${folder}/${name}`, contents);

const MODULES = {
  empty: '(name = "empty.js", esModule = embed "empty.js")',
  example: '(name = "worker.js", esModule = embed "worker.js"), (name = "kernels/baseline.wasm", wasm = embed "baseline.wasm")',
};
MODULES.served = '(name = "served.js", esModule = embed "served.js"), (name = "model.gguf", data = embed "model.gguf"), ' + MODULES.example;
for (const [name, modules] of Object.entries(MODULES)) {
  writeFileSync(`${folder}/${name}.capnp`, `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${modules}], compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);\n`);
}

/** From a new process to its first answer: ms of wall time, ms of processor time, and the most MiB that were resident. */
async function firstAnswer(name, query) {
  const startedAt = performance.now();
  const workerd = spawn(WORKERD, ['serve', `${folder}/${name}.capnp`, '--control-fd=3'], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  const port = await new Promise((resolve) => {
    workerd.stdio[3].on('data', (data) => resolve(JSON.parse(String(data).split('\n')[0]).port));
  });
  const answer = await (await fetch(`http://127.0.0.1:${port}/${query}`)).text();
  const wallMs = performance.now() - startedAt;
  const threads = readdirSync(`/proc/${workerd.pid}/task`).map((id) =>
    Number(readFileSync(`/proc/${workerd.pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]));
  const [, peak] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${workerd.pid}/status`, 'utf8'));
  workerd.kill();
  return { answer, wallMs, cpuMs: threads.reduce((sum, ns) => sum + ns, 0) / 1e6, peakMiB: Number(peak) / 1024 };
}

const runs = { empty: [], example: [], served: [] };
for (let round = 0; round < Number(rounds); round++) {
  runs.empty.push(await firstAnswer('empty', ''));
  runs.example.push(await firstAnswer('example', ''));
  runs.served.push(await firstAnswer('served', '?prompt=Hello&tokens=40'));
}
if (runs.served.some(({ answer }) => answer.length < 10)) throw new Error(`No answer: ${runs.served[0].answer}`);
const medianOf = (name, figure) => median(runs[name].map((run) => run[figure]));
for (const name of Object.keys(runs)) {
  console.log(`${name.padEnd(8)} ${medianOf(name, 'cpuMs').toFixed(0)} ms of processor time, ${medianOf(name, 'wallMs').toFixed(0)} ms, ` +
    `${medianOf(name, 'peakMiB').toFixed(0)} MiB at most`);
}
console.log(`cold start: ${(medianOf('example', 'cpuMs') - medianOf('empty', 'cpuMs')).toFixed(0)} ms of processor time, ` +
  `${(medianOf('example', 'wallMs') - medianOf('empty', 'wallMs')).toFixed(0)} ms (medians of ${rounds})`);
const kilobytes = (bytes) => `${Math.round(bytes / 1000)} kB`;
console.log(`script ${kilobytes(text.length)}, kernels ${kilobytes(kernels.length)}, ` +
  `compressed ${kilobytes(gzipSync(text).length + gzipSync(kernels).length)}`);
