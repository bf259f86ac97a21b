// Builds the chat page (web/, a Vite app with dependencies of its own) into dist/web; nothing is done when nothing changed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from './command-line.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const web = path.join(root, 'web');
const stampFile = path.join(root, 'dist/web.sha256');

/** Hash of the page's sources, and of the engine's, which it may bundle. */
async function sourceHash() {
  const hash = createHash('sha256');
  for (const folder of ['web', 'src', 'models', 'assembly']) {
    const names = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => !file.includes(`${path.sep}node_modules${path.sep}`)).sort();
    for (const file of files) hash.update(`\0${path.relative(root, file)}\0`).update(await readFile(file));
  }
  return hash.digest('hex');
}

function run(args, quiet) {
  const stdio = quiet ? ['ignore', 'ignore', 'inherit'] : 'inherit';
  execFileSync(args[0], args.slice(1), { cwd: web, stdio, shell: process.platform === 'win32' && args[0] === 'npm' });
}

/** Builds the page if it is missing or out of date; its packages are installed where they are not. */
export async function buildWeb({ quiet = false } = {}) {
  const hash = await sourceHash();
  const stamp = existsSync(stampFile) ? await readFile(stampFile, 'utf8') : '';
  if (stamp === hash && existsSync(path.join(root, 'dist/web/index.html'))) return;
  if (!(await isInstalled())) run(['npm', 'ci', '--no-audit', '--no-fund'], quiet);
  run([process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit'], false);
  run([process.execPath, 'node_modules/vite/bin/vite.js', 'build', '--logLevel', quiet ? 'warn' : 'info'], quiet);
  await writeFile(stampFile, hash);
}

/** npm notes what it installed in a file of its own. */
async function isInstalled() {
  const installed = path.join(web, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const [wanted, present] = await Promise.all([path.join(web, 'package-lock.json'), installed].map(async (file) =>
    JSON.parse(await readFile(file, 'utf8')).packages));
  return Object.entries(wanted).every(([name, { version, optional }]) =>
    name === '' || optional || present[name]?.version === version);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values: { quiet = false } } = parseArgs({ options: { quiet: { type: 'boolean' } } });
  await buildWeb({ quiet });
}
