// Makes models past what one linear memory holds and measures them in several runtimes, one after the other; minutes each:
//   npm run build && npm run bench:large -- [--dir DIR] [--runtimes node,node26,deno] [--models 7b-Q4_0,7b-Q8_0] [--keep]
// Takes 11 GB of disk where the models are kept and 9 GB of memory. Further options after `--` are those of large-models.mjs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from '../scripts/command-line.mjs';

/** Other runtimes come as packages of their own, and into npm's cache only. */
const RUNTIMES = {
  node: [process.execPath],
  node26: ['npx', '--yes', 'node@26'],
  deno: ['npx', '--yes', 'deno@2', 'run', '--allow-all'],
};

const at = process.argv.indexOf('--', 2);
const [own, passedOn] = at < 0 ? [process.argv.slice(2), []] : [process.argv.slice(2, at), process.argv.slice(at + 1)];
const { values } = parseArgs({
  args: own,
  options: {
    dir: { type: 'string', default: path.join(os.tmpdir(), 'clawdbot-large-models') },
    runtimes: { type: 'string', default: Object.keys(RUNTIMES).join() },
    models: { type: 'string', default: '7b-Q4_0,7b-Q8_0' },
    keep: { type: 'boolean', default: false },
  },
});
const runtimes = values.runtimes.split(',');
const unknown = runtimes.find((name) => !(name in RUNTIMES));
if (unknown !== undefined) throw new Error(`There is no runtime "${unknown}" here. There are ${Object.keys(RUNTIMES).join(', ')}.`);
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

function run([command, ...args]) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}.`);
}

mkdirSync(values.dir, { recursive: true });
for (const model of values.models.split(',')) {
  const [shape, type] = model.split('-');
  const file = path.join(values.dir, `synthetic-${model.toLowerCase()}.gguf`);
  const isNew = !existsSync(file);
  if (isNew) run([process.execPath, script('../scripts/make-synthetic-model.mjs'), file, '--shape', shape, '--type', type]);
  for (const name of runtimes) run([...RUNTIMES[name], script('large-models.mjs'), file, ...passedOn]);
  if (isNew && !values.keep) rmSync(file);
}
