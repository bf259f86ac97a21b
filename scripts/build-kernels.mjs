// Compiles assembly/ into dist/kernels/*.wasm: each target of asconfig.json for shared memory, and from that the same
// module for unshared memory. Targets compile side by side; nothing is done when nothing has changed.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unshareMemory } from './unshare-memory.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const STAMP = 'sources.sha256';
/** Entries of a target beside those of asconfig.json. */
const ENTRIES = { relaxed: ['assembly/index-relaxed.ts'], dot: ['assembly/index-relaxed.ts'] };

/** Hash of everything that decides the output: compiler version, options, the build scripts and the kernel sources. */
async function sourceHash() {
  const hash = createHash('sha256');
  const compiler = JSON.parse(await readFile(path.join(root, 'node_modules/assemblyscript/package.json'), 'utf8'));
  hash.update(compiler.version);
  const sources = (await readdir(path.join(root, 'assembly'))).filter((name) => name.endsWith('.ts')).sort();
  const files = ['asconfig.json', 'scripts/build-kernels.mjs', 'scripts/unshare-memory.mjs'];
  for (const file of [...files, ...sources.map((name) => `assembly/${name}`)]) {
    hash.update(`\0${file}\0`).update(await readFile(path.join(root, file)));
  }
  return hash.digest('hex');
}

/** Writes by renaming, so that a reader never sees half a module. */
async function writeModule(outDir, name, bytes) {
  const temporary = path.join(outDir, `.${name}.${process.pid}`);
  await writeFile(temporary, bytes);
  await rename(temporary, path.join(outDir, name));
}

async function compile(target, outDir) {
  const { default: asc } = await import('assemblyscript/asc');
  let module;
  const { error, stderr } = await asc.main(
    [...(ENTRIES[target] ?? []), '--config', 'asconfig.json', '--target', target, '--outFile', 'kernels.wasm'],
    {
      readFile: (name, baseDir) => readFile(path.resolve(root, baseDir, name), 'utf8').catch(() => null),
      writeFile: (name, contents) => { if (name.endsWith('.wasm')) module = contents; },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`Kernel build "${target}" failed: ${error.message}\n${stderr.toString()}`);
  await writeModule(outDir, `${target}-shared.wasm`, module);
  await writeModule(outDir, `${target}.wasm`, unshareMemory(module));
}

/** What importing one of the modules gives where hosts and bundlers support that. */
const DECLARATION = 'declare const module: WebAssembly.Module;\nexport default module;\n';

/** Builds the kernel modules if any is missing or out of date. */
export async function buildKernels({ quiet = false, outDir = path.join(root, 'dist/kernels') } = {}) {
  const targets = Object.keys(JSON.parse(await readFile(path.join(root, 'asconfig.json'), 'utf8')).targets);
  await mkdir(outDir, { recursive: true });
  await writeFile(path.join(outDir, 'module.d.ts'), DECLARATION);
  const hash = await sourceHash();
  const present = new Set(await readdir(outDir));
  const stamp = present.has(STAMP) ? await readFile(path.join(outDir, STAMP), 'utf8') : '';
  if (stamp === hash && targets.every((name) => present.has(`${name}.wasm`) && present.has(`${name}-shared.wasm`))) return;
  const started = performance.now();
  if (!quiet) console.log('Compiling kernels …');
  // A process each: the compiler keeps a core busy for seconds.
  const script = fileURLToPath(import.meta.url);
  const run = promisify(execFile);
  await Promise.all(targets.map((target) => run(process.execPath, [script, '--target', target, outDir])));
  await writeFile(path.join(outDir, STAMP), hash);
  if (!quiet) console.log(`Kernels: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [option, target, outDir] = process.argv.slice(2);
  if (option === '--target') await compile(target, outDir ?? path.join(root, 'dist/kernels'));
  else await buildKernels({ quiet: option === '--quiet' });
}
