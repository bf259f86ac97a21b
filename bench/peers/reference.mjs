// Writes what llama.cpp (through node-llama-cpp) answers, as reference data for test/models/:
//   node reference.mjs MODEL.gguf TEXT.txt OUT.json
// Per prompt: ids, 48 greedy ids and, per step, the log-probability of the likeliest token and its lead over the next in
// nats (EOS does not stop).
// Perplexity: windows of 512 tokens (BOS first where the model adds one), second half of each scored.
import { readFileSync, writeFileSync } from 'node:fs';
import { getLlama } from 'node-llama-cpp';
import { parseArgs } from '../../scripts/command-line.mjs';

const PROMPTS = [
  'The capital of France is',
  'Once upon a time, in a small village by the sea,',
  'def fibonacci(n):\n    """Return the n-th Fibonacci number."""\n',
  'The three primary colours are',
  'Water boils at 100 degrees Celsius because',
  'List the planets of the solar system in order from the sun:\n1.',
  'Dear Sir or Madam,\n\nI am writing to',
  'Die Hauptstadt von Deutschland ist',
];
const NUM_NEW = 48;
const WINDOW = 512;
const NUM_WINDOWS = Number(process.env.WINDOWS ?? 8);

const { positionals: [modelPath, textPath, outPath] } = parseArgs({ allowPositionals: true });
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: 2 });
const bos = model.tokens.shouldPrependBosToken ? [model.tokens.bos] : [];
const wanted = { generateNext: { token: true, probabilities: true, options: { temperature: 0 } } };

async function withSequence(use) {
  const sequence = context.getSequence();
  try {
    return await use(sequence);
  } finally {
    sequence.dispose();
  }
}

const topTwo = (probabilities) => [...probabilities.entries()].sort((a, b) => b[1] - a[1]).slice(0, 2);

async function greedy(text) {
  const promptIds = [...bos, ...model.tokenize(text, false)];
  return withSequence(async (sequence) => {
    const ids = [];
    const gaps = [];
    const logprobs = [];
    let input = promptIds;
    while (ids.length < NUM_NEW) {
      const result = await sequence.controlledEvaluate([...input.slice(0, -1), [input.at(-1), wanted]]);
      const [first, second] = topTwo(result.at(-1).next.probabilities);
      ids.push(first[0]);
      gaps.push(Number((Math.log(first[1]) - Math.log(second[1])).toFixed(5)));
      logprobs.push(Number(Math.log(first[1]).toFixed(5)));
      input = [first[0]];
    }
    return { text, promptIds, ids, gaps, logprobs };
  });
}

async function perplexity(text) {
  const ids = model.tokenize(text, false);
  const nlls = [];
  for (let w = 0; w < NUM_WINDOWS; w++) {
    const window = ids.slice(w * WINDOW, (w + 1) * WINDOW);
    if (bos.length > 0) window[0] = bos[0];
    await withSequence(async (sequence) => {
      const input = window.map((id, i) => (i >= WINDOW / 2 - 1 && i < WINDOW - 1 ? [id, wanted] : id));
      const result = await sequence.controlledEvaluate(input);
      for (let i = WINDOW / 2 - 1; i < WINDOW - 1; i++) nlls.push(-Math.log(result[i].next.probabilities.get(window[i + 1])));
    });
  }
  const meanNll = nlls.reduce((sum, nll) => sum + nll, 0) / nlls.length;
  return { windows: NUM_WINDOWS, contextLength: WINDOW, tokens: nlls.length, meanNll, perplexity: Math.exp(meanNll) };
}

const { version } = JSON.parse(readFileSync(new URL('node_modules/node-llama-cpp/package.json', import.meta.url)));
const prompts = [];
for (const text of PROMPTS) prompts.push(await greedy(text));
const result = {
  reference: `node-llama-cpp ${version}, CPU, 2 threads, F16 KV`,
  prompts,
  perplexity: await perplexity(readFileSync(textPath, 'utf8')),
};
writeFileSync(outPath, JSON.stringify(result, (key, value) => value, 1).replace(/\n\s+(?=-?\d|\])/g, ' ') + '\n');
console.log(result.perplexity);
