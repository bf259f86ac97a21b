// Compiles assembly/ into dist/kernels/*.wasm, once per build in asconfig.json; skips when nothing has changed.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const STAMP = 'sources.sha256';

/** Hash of everything that decides the output: compiler version, options, this script and the kernel sources. */
async function sourceHash() {
  const hash = createHash('sha256');
  const compiler = JSON.parse(await readFile(path.join(root, 'node_modules/assemblyscript/package.json'), 'utf8'));
  hash.update(compiler.version);
  const sources = (await readdir(path.join(root, 'assembly'))).filter((name) => name.endsWith('.ts')).sort();
  for (const file of ['asconfig.json', 'scripts/build-kernels.mjs', ...sources.map((name) => `assembly/${name}`)]) {
    hash.update(`\0${file}\0`).update(await readFile(path.join(root, file)));
  }
  return hash.digest('hex');
}

async function compile(asc, target, outDir) {
  const outputs = new Map();
  const { error, stderr } = await asc.main(
    ['--config', 'asconfig.json', '--target', target, '--outFile', 'kernels.wasm'],
    {
      readFile: (name, baseDir) => readFile(path.resolve(root, baseDir, name), 'utf8').catch(() => null),
      writeFile: (name, contents) => { outputs.set(path.basename(name), contents); },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`Kernel build "${target}" failed: ${error.message}\n${stderr.toString()}`);
  const temporary = path.join(outDir, `.${target}.${process.pid}.wasm`);
  await writeFile(temporary, outputs.get('kernels.wasm'));
  await rename(temporary, path.join(outDir, `${target}.wasm`));
}

/** Builds every kernel module that is out of date. `targets` narrows the builds (and then writes no stamp). */
export async function buildKernels({ quiet = false, targets, outDir = path.join(root, 'dist/kernels') } = {}) {
  const builds = Object.keys(JSON.parse(await readFile(path.join(root, 'asconfig.json'), 'utf8')).targets);
  await mkdir(outDir, { recursive: true });
  const hash = await sourceHash();
  const stampFile = path.join(outDir, STAMP);
  const present = new Set(await readdir(outDir));
  const stamp = present.has(STAMP) ? await readFile(stampFile, 'utf8') : '';
  if (!targets && stamp === hash && builds.every((build) => present.has(`${build}.wasm`))) return;
  const { default: asc } = await import('assemblyscript/asc');
  for (const target of targets ?? builds) {
    const started = performance.now();
    await compile(asc, target, outDir);
    if (!quiet) console.log(`kernels ${target}: ${Math.round(performance.now() - started)} ms`);
  }
  if (!targets) await writeFile(stampFile, hash);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const targets = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  await buildKernels({ quiet: process.argv.includes('--quiet'), targets: targets.length ? targets : undefined });
}
