// Builds dist/: kernels (asc → .wasm), JavaScript bundles (esbuild), type declarations (tsc, unless --no-types).
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const quiet = process.argv.includes('--quiet');

await mkdir(path.join(root, 'dist'), { recursive: true });

if (existsSync(path.join(root, 'scripts/build-kernels.mjs'))) {
  const { buildKernels } = await import('./build-kernels.mjs');
  await buildKernels({ quiet });
}

const entries = { index: 'src/index.ts', cli: 'src/cli/main.ts', 'compute-worker': 'src/engine/compute-worker-node.ts' };
const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file))));
await esbuild.build({
  absWorkingDir: root,
  entryPoints: present,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: false,
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: quiet ? 'error' : 'info',
});
