// Prints SHA-256 hashes of the logits of small models computed by the baseline kernels: the same in every runtime. The README has
// them as a table, which --readme renews.
//   node scripts/logits-hash.mjs [--readme] [MODEL.gguf …]      (also under deno run -A, bun; needs a build)
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { Engine } from '../dist/index.js';
import { parseArgs } from './command-line.mjs';

const DEFAULTS = ['qwen2', 'gemma2', 'phi3-longrope-long', 'deepseek2', 'q-qwen3moe-q8_0', 'q-llama-q4_0', 'mpt']
  .map((name) => new URL(`../test/data/arch/${name}.gguf`, import.meta.url).pathname);
const README = new URL('../README.md', import.meta.url);

const { values, positionals: models } = parseArgs({ allowPositionals: true, options: { readme: { type: 'boolean' } } });
const rows = [];
for (const model of models.length > 0 ? models : DEFAULTS) {
  const engine = await Engine.load(model, { deterministic: true, threads: 2 });
  const ids = Array.from({ length: 40 }, (_, i) => (i * 37 + 5) % engine.model.vocabSize);
  const { logits } = await engine.score(ids, { logits: true });
  rows.push(`| ${basename(model, '.gguf')} | \`${createHash('sha256').update(new Uint8Array(logits.buffer)).digest('hex')}\` |`);
  await engine.dispose();
}
if (values.readme) {
  const table = ['| model | SHA-256 |', '|---|---|', ...rows].join('\n');
  const readme = readFileSync(README, 'utf8');
  writeFileSync(README, readme.replace(/(<!-- hashes:begin[^\n]*\n)[\s\S]*?(\n?<!-- hashes:end)/, `$1\n${table}\n$2`));
} else {
  console.log(rows.join('\n'));
}
process.exit(0);
