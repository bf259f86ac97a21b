// Builds dist/: kernels (asc → .wasm), JavaScript bundles (esbuild), declarations (tsc, unless --quiet or --no-types), and the
// chat page (Vite, unless --quiet).
import { existsSync } from 'node:fs';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { buildInline } from './build-inline.mjs';
import { buildKernels } from './build-kernels.mjs';
import { buildTypes } from './build-types.mjs';
import { buildWeb } from './build-web.mjs';
import { parseArgs } from './command-line.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dist = path.join(root, 'dist');
const { values: { quiet = false, 'no-types': withoutTypes } } = parseArgs({ options: { quiet: { type: 'boolean' }, 'no-types': { type: 'boolean' } } });

// Half a minute of silence looks like a hang.
if (quiet && !existsSync(path.join(dist, 'kernels'))) console.error('Compiling the kernels (once) …');
await buildKernels({ quiet });
await buildInline();
const shared = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  sourcemap: false,
  legalComments: 'none',
  metafile: true,
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: quiet ? 'error' : 'info',
};
const builds = await Promise.all([
  esbuild.build({
    ...shared,
    entryPoints: {
      index: 'src/entry/node.ts', deno: 'src/entry/deno.ts', bun: 'src/entry/bun.ts',
      // src/cli/main.ts brings its own #! line, which esbuild keeps.
      cli: 'src/cli/main.ts', serve: 'src/serve/index.ts',
    },
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // The command line imports its own package; tsconfig.json says that this is the source.
    external: ['@clawdbot/runtime'],
  }),
  // Nothing that only Node has can be resolved here, and what is imported is included: pages may load these files as they are.
  esbuild.build({
    ...shared,
    entryPoints: {
      browser: 'src/entry/browser.ts', workerd: 'src/entry/workerd.ts', 'edge-light': 'src/entry/edge-light.ts',
      default: 'src/entry/default.ts',
    },
    platform: 'browser',
    target: 'es2022',
    // Edge hosts compile kernels when a program is deployed, and take them by such imports.
    external: ['./kernels/*'],
    banner: { js: '/*! Contains @huggingface/jinja (MIT, Copyright 2023 The Hugging Face team) and, for browsers, @noble/hashes (MIT, Copyright 2022 Paul Miller). */' },
  }),
  // The package itself and the libraries adapted to are found by whoever imports an adapter.
  esbuild.build({
    ...shared,
    entryPoints: { 'ai-sdk': 'src/adapters/ai-sdk/index.ts', langchain: 'src/adapters/langchain/index.ts' },
    platform: 'neutral',
    target: 'es2022',
    packages: 'external',
    external: ['@clawdbot/runtime'],
  }),
]);
const outputs = builds.flatMap(({ metafile }) => Object.keys(metafile.outputs));
await Promise.all(outputs.map(escapeWideCharacters));
await removeOldChunks(new Set(outputs.map((file) => path.basename(file))));
if (!quiet && !withoutTypes) await buildTypes();
if (!quiet) await buildWeb();

/**
 * V8 keeps a source of which any character is above U+00FF at two bytes each: 1.1 MiB more for index.js. esbuild writes those in strings as
 * escapes, but not those in comments and regular expressions.
 */
async function escapeWideCharacters(file) {
  const source = await readFile(path.join(root, file), 'utf8');
  if (/\\[^\0-\xff]|String\.raw`[^`]*[^\0-\xff]/.test(source)) throw new Error(`${file} has a wide character where an escape would mean something else.`);
  const escaped = source.replace(/[^\0-\xff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (escaped !== source) await writeFile(path.join(root, file), escaped);
}

/** Chunks are named by their content, so earlier builds leave theirs behind. */
async function removeOldChunks(current) {
  for (const name of await readdir(path.join(dist, 'chunks'))) {
    if (!current.has(name)) await rm(path.join(dist, 'chunks', name), { force: true });
  }
}
