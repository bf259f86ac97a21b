// What an app that imports the package weighs in a browser before its model: esbuild's smallest bundle, compressed.
//   node scripts/bundle-size.mjs      (needs a build)
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { parseArgs } from './command-line.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bytes by file, as they are and with gzip: what the page starts with, and what is fetched when a model is loaded. */
export async function bundleSizes() {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: "import { Engine } from './dist/browser.js'; globalThis.load = (model) => Engine.load(model);", resolveDir: root },
    bundle: true, minify: true, splitting: true, format: 'esm', target: 'es2022', outdir: 'out', write: false, tsconfigRaw: '{}',
  });
  return outputFiles.map(({ path, contents }) => ({ file: path.split('/').at(-1), bytes: contents.length, gzipBytes: gzipSync(contents).length }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  parseArgs();
  const sizes = await bundleSizes();
  for (const { file, bytes, gzipBytes } of sizes) console.log(`${file.padEnd(32)} ${bytes} bytes, ${gzipBytes} with gzip`);
  console.log(`all: ${sizes.reduce((sum, { bytes }) => sum + bytes, 0)} bytes, ${sizes.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0)} with gzip`);
}
