// Writes dist/types/: declarations of what can be reached from the public entries, with specifiers every resolver knows.
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from './command-line.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const SPECIFIER = /(\bfrom ['"]|\bimport\(['"]|^import ['"])(\.{1,2}\/[^'"]+)\.ts(['"])/gm;

/** Files of src/ that the package's subpaths lead to. */
const ENTRIES = ['index.d.ts', 'serve/index.d.ts', 'adapters/ai-sdk/index.d.ts', 'adapters/langchain/index.d.ts'];

/** Compiles the declarations of the entries; throws with the compiler's output when they do not compile. */
export async function buildTypes({ outDir = path.join(root, 'dist/types') } = {}) {
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'clawdbot-types-'));
  try {
    const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
    const args = [compiler, '-p', path.join(root, 'tsconfig.build.json'), '--outDir', temporary];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`The declarations do not compile:\n${stdout}`);
    await rm(outDir, { recursive: true, force: true });
    await copyReachable(temporary, outDir, ENTRIES);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function copyReachable(from, to, entries) {
  const queue = [...entries];
  const seen = new Set(queue);
  for (const file of queue) {
    const text = await readFile(path.join(from, file), 'utf8');
    for (const [, , specifier] of text.matchAll(SPECIFIER)) {
      const target = path.normalize(path.join(path.dirname(file), `${specifier}.d.ts`));
      if (!seen.has(target)) queue.push(target);
      seen.add(target);
    }
    await mkdir(path.dirname(path.join(to, file)), { recursive: true });
    await writeFile(path.join(to, file), text.replaceAll(SPECIFIER, '$1$2.js$3'));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  parseArgs();
  await buildTypes();
}
