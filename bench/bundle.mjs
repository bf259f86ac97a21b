// Loads TypeScript sources of this repository for a benchmark, bundled into build/.
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The module that `source` (exports with paths relative to the repository) describes. */
export async function importSources(source) {
  const outfile = path.join(root, 'build', `bench-${randomUUID()}.mjs`);
  await esbuild.build({
    stdin: { contents: source, resolveDir: root },
    bundle: true, format: 'esm', platform: 'node', outfile, logLevel: 'error',
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(outfile);
  }
}
