// Decode speed of the same package in Node, Deno, Bun and Chromium: the same file and threads, runtimes alternating, medians of rounds.
//   npm ci --prefix test/runtimes --ignore-scripts
//   node bench/runtimes.mjs [--model smollm2] [--threads 2] [--tokens 128] [--rounds 5]      (needs a build)
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from '../scripts/command-line.mjs';
import { decodeInChromium, hasChromium } from './chromium-decode.mjs';
import { median } from './peers/report/statistics.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'smollm2' },
    threads: { type: 'string', default: '2' },
    tokens: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '5' },
  },
});
const inRepository = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const binary = (file) => inRepository(`test/runtimes/node_modules/${file}`);
const RUNTIMES = [
  ['Node 26', binary('node-26/bin/node'), []],
  ['Node 22', binary('node-22/bin/node'), []],
  ['Node 20', binary('node-20/bin/node'), []],
  ['Deno', binary('@deno/linux-x64-glibc/deno'), ['run', '-A']],
  ['Bun', binary('@oven/bun-linux-x64/bin/bun'), []],
].filter(([, file]) => existsSync(file));
// The Node that runs this is there in any case.
if (!RUNTIMES.some(([name]) => name.startsWith('Node'))) RUNTIMES.unshift([`Node ${process.versions.node.split('.')[0]}`, process.execPath, []]);
const ARGUMENTS = [
  inRepository('dist/cli.js'), 'bench', '--json', '--model', options.model, '--threads', options.threads,
  '-p', '0', '-n', options.tokens, '-r', '1',
];

const NAMES = [...RUNTIMES.map(([name]) => name), ...(hasChromium ? ['Chromium'] : [])];
const samples = new Map(NAMES.map((name) => [name, []]));
/** Chromium gets the file that the others find by the model's name. */
const { files: [modelFile] } = JSON.parse(execFileSync(process.execPath, [inRepository('dist/cli.js'), 'pull', options.model, '--json'],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, file, before] of RUNTIMES) {
    const output = JSON.parse(execFileSync(file, [...before, ...ARGUMENTS], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
    samples.get(name).push(...output[0].samples);
  }
  if (hasChromium) {
    samples.get('Chromium').push(await decodeInChromium(modelFile, { threads: Number(options.threads), tokens: Number(options.tokens) }));
  }
}
const [base] = NAMES;
for (const name of NAMES) {
  const speed = median(samples.get(name));
  const ratio = speed / median(samples.get(base));
  console.log(`${name.padEnd(8)} ${speed.toFixed(1)} tokens/s  ${ratio.toFixed(2)} of ${base}  (${samples.get(name).map((value) => value.toFixed(1)).join(', ')})`);
}
