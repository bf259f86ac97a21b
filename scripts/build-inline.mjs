// Writes dist/inline/: what no bundler finds by itself (kernel modules, workers' scripts), as modules that export text. The sources
// import it as `#inline/NAME`, so that whatever bundles the package takes it along without being told.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const kernels = path.join(root, 'dist/kernels');
const outDir = path.join(root, 'dist/inline');

const BUILDS = ['baseline', 'relaxed', 'dot'];

/** One file each, without imports or exports: a classic worker as well as a module, and a script that Node takes as text. */
const WORKERS = {
  'browser-worker': { entryPoint: 'src/engine/compute/worker-browser.ts', platform: 'browser', target: 'es2022', format: 'iife' },
  'node-worker': { entryPoint: 'src/engine/compute/worker-node.ts', platform: 'node', target: 'node20', format: 'cjs' },
};

/** Needs dist/kernels/. The browser's worker is written as a file of its own too, for pages that name its address. */
export async function buildInline() {
  await mkdir(outDir, { recursive: true });
  await Promise.all([...BUILDS.map(writeKernels), ...Object.entries(WORKERS).map(writeWorker)]);
}

async function writeKernels(build) {
  const [shared, unshared] = await Promise.all([`${build}-shared`, build].map((name) => readFile(path.join(kernels, `${name}.wasm`))));
  const gzip = gzipSync(shared, { level: 9 }).toString('base64');
  const text = `export const gzip = ${JSON.stringify(gzip)};\nexport const unshared = ${JSON.stringify(difference(shared, unshared))};\n`;
  await writeFile(path.join(outDir, `kernels-${build}.js`), text);
}

/** What turns `shared` into `unshared`: the bytes between `start` and `end` are replaced. */
function difference(shared, unshared) {
  const fits = (at) => at < Math.min(shared.length, unshared.length);
  let start = 0;
  while (fits(start) && shared[start] === unshared[start]) start++;
  let tail = 0;
  while (fits(start + tail) && shared.at(-1 - tail) === unshared.at(-1 - tail)) tail++;
  return { start, end: shared.length - tail, bytes: unshared.subarray(start, unshared.length - tail).toString('base64') };
}

async function writeWorker([name, { entryPoint, ...options }]) {
  const { outputFiles: [{ text }] } = await esbuild.build({
    absWorkingDir: root, entryPoints: [entryPoint], bundle: true, minify: true, legalComments: 'none', write: false, ...options,
  });
  if (options.platform === 'browser') await writeFile(path.join(root, 'dist', `${name}.js`), text);
  const script = `${text}//# sourceURL=clawdbot-${name}.js`;
  await writeFile(path.join(outDir, `${name}.js`), `export default ${JSON.stringify(script)};\n`);
}
