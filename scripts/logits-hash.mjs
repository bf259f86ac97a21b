// Prints a SHA-256 over the logits of small models computed by the baseline kernels: the same in every runtime.
//   node scripts/logits-hash.mjs [MODEL.gguf …]      (also under deno run -A, bun; needs a build)
import { createHash } from 'node:crypto';
import { Engine } from '../dist/index.js';

const DEFAULTS = ['qwen2', 'gemma2', 'phi3-longrope-long', 'deepseek2', 'q-qwen3moe-q8_0', 'q-llama-q4_0', 'mpt']
  .map((name) => new URL(`../test/data/arch/${name}.gguf`, import.meta.url).pathname);
const models = process.argv.slice(2);
const hash = createHash('sha256');
for (const model of models.length > 0 ? models : DEFAULTS) {
  const engine = await Engine.load(model, { deterministic: true, threads: 2 });
  const ids = Array.from({ length: 40 }, (_, i) => (i * 37 + 5) % engine.model.vocabSize);
  const { logits, tokenNlls } = await engine.score(ids, { logits: true });
  hash.update(new Uint8Array(logits.buffer)).update(String(tokenNlls.length));
  await engine.dispose();
}
console.log(hash.digest('hex'));
process.exit(0);
