// How much longer workerd takes to its first answer with the example Worker, before it loads weights, than with an empty one; and
// what is deployed.
//   (cd test/edge && npm ci); npm run build; node bench/workerd-cold-start.mjs [--rounds 9]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

const inRepository = (path) => new URL(`../${path}`, import.meta.url).pathname;
const { Miniflare } = createRequire(inRepository('test/edge/package.json'))('miniflare');
const { values: { rounds } } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });

const { outputFiles: [{ text }] } = await esbuild.build({
  entryPoints: [inRepository('examples/cloudflare-workers/worker.js')], bundle: true, minify: true, format: 'esm', target: 'es2022',
  conditions: ['workerd', 'worker', 'browser'], external: ['./kernels/*'], write: false, tsconfigRaw: '{}',
});
const kernels = readFileSync(inRepository('dist/kernels/baseline.wasm'));
const EMPTY = 'export default { fetch: () => new Response("", { status: 400 }) };';

/** From a new workerd process to the answer that says how the Worker is used, in ms. */
async function coldStart(script, modules) {
  const startedAt = performance.now();
  const worker = new Miniflare({
    compatibilityDate: '2026-01-01', r2Buckets: ['MODELS'], modulesRoot: '/',
    modules: [{ type: 'ESModule', path: '/worker.js', contents: script }, ...modules],
  });
  await (await worker.dispatchFetch('http://localhost/')).text();
  const took = performance.now() - startedAt;
  await worker.dispose();
  return took;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const [empty, example] = [[], []];
for (let round = 0; round < Number(rounds); round++) {
  empty.push(await coldStart(EMPTY, []));
  example.push(await coldStart(text, [{ type: 'CompiledWasm', path: '/kernels/baseline.wasm', contents: kernels }]));
}
const kilobytes = (bytes) => `${Math.round(bytes / 1000)} kB`;
console.log(`empty Worker ${median(empty).toFixed(0)} ms, example ${median(example).toFixed(0)} ms: ` +
  `cold start ${(median(example) - median(empty)).toFixed(0)} ms (medians of ${rounds})`);
console.log(`script ${kilobytes(text.length)}, kernels ${kilobytes(kernels.length)}, ` +
  `compressed ${kilobytes(gzipSync(text).length + gzipSync(kernels).length)}`);
