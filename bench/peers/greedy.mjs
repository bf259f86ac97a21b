// Compares this package's greedy text with a reference that reference.mjs wrote for the same model file:
//   node greedy.mjs MODEL.gguf REFERENCE.json
// Prints per prompt the step where the two part and llama.cpp's lead there, −1 where they never do.
import { readFileSync } from 'node:fs';
import { Engine } from '../../dist/index.js';
import { parseArgs } from '../../scripts/command-line.mjs';

const { positionals: [modelPath, referencePath] } = parseArgs({ allowPositionals: true });
const { prompts } = JSON.parse(readFileSync(referencePath, 'utf8'));
const engine = await Engine.load(modelPath);
for (const { text, promptIds, ids, gaps } of prompts) {
  const ours = (await engine.complete(promptIds, { temperature: 0, maxTokens: ids.length, ignoreEos: true })).ids;
  const step = ids.findIndex((id, i) => id !== ours[i]);
  console.log(`${String(step).padStart(3)} ${step < 0 ? '' : gaps[step].toFixed(3).padStart(6)}  ${JSON.stringify(text)}`);
}
await engine.dispose();
