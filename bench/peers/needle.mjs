// Writes what llama.cpp (through node-llama-cpp) answers when one sentence is hidden in a long text, for test/models/needle.test.ts:
//   node needle.mjs MODEL.gguf OUT.json [--lengths 4000,8000]
// A haystack is the introduction, sentences in turn, the needle after some of them, and the question. Greedy, 8 new tokens.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from '../../scripts/command-line.mjs';
import { getLlama } from 'node-llama-cpp';

const INTRODUCTION = 'There is one important number hidden in the following text. Find it and remember it.\n\n';
const SENTENCES = [
  'The harbour wakes before the sun does.', 'Boats come in with the tide and leave with it again.',
  'A baker on the corner carries warm bread to the market.', 'Children count the gulls on the roof of the old station.',
  'Rain is expected in the afternoon, but nobody believes it.', 'The clock above the square has been late for years.',
  'Somebody plays the piano behind an open window.', 'Two dogs sleep in the shade of the chestnut tree.',
  'The ferryman says that the water was higher once.', 'A letter lies on the step and waits for its reader.',
  'In the evening the lamps are lit one after another.', 'Then the streets are quiet, and the day is over.',
];
const QUESTION = '\n\nWhat is the important number? The important number is';
/** A number and the part of the haystack that comes before it. */
const NEEDLES = [[41772, 0.1], [54172, 0.5], [66572, 0.9]];
const NUM_NEW = 8;

const { values, positionals: [modelPath, outPath] } = parseArgs({
  allowPositionals: true, options: { lengths: { type: 'string', default: '4000,8000' } },
});
const lengths = values.lengths.split(',').map(Number);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 2 });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({ contextSize: Math.max(...lengths) + 192, batchSize: 512, threads: 2 });
const bos = model.tokens.shouldPrependBosToken ? [model.tokens.bos] : [];

const needleOf = (number) => `The important number is ${number}. Remember it: ${number} is the important number.`;

function haystack(numBefore, numAfter, number) {
  const sentences = Array.from({ length: numBefore + numAfter }, (_, i) => SENTENCES[i % SENTENCES.length]);
  sentences.splice(numBefore, 0, needleOf(number));
  return INTRODUCTION + sentences.join(' ') + QUESTION;
}

async function answer(text) {
  const ids = [...bos, ...model.tokenize(text, false)];
  const sequence = context.getSequence();
  const answerIds = [];
  for await (const id of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    answerIds.push(id);
    if (answerIds.length === NUM_NEW) break;
  }
  sequence.dispose();
  return { numIds: ids.length, answerIds, answer: model.detokenize(answerIds) };
}

const cases = [];
for (const length of lengths) {
  // As many rounds of the sentences as stay below the length.
  const size = (total) => bos.length + model.tokenize(haystack(total, 0, NEEDLES[0][0]), false).length;
  const step = size(2 * SENTENCES.length) - size(SENTENCES.length);
  const count = SENTENCES.length * Math.floor((length - size(0)) / step);
  for (const [number, share] of NEEDLES) {
    const numBefore = Math.round(share * count);
    const found = await answer(haystack(numBefore, count - numBefore, number));
    cases.push({ length, number, numBefore, numAfter: count - numBefore, ...found });
    console.log(length, number, share, found.numIds, JSON.stringify(found.answer));
  }
}
const { version } = JSON.parse(readFileSync(new URL('node_modules/node-llama-cpp/package.json', import.meta.url)));
writeFileSync(outPath, JSON.stringify({
  reference: `node-llama-cpp ${version}, CPU, 2 threads, F16 KV`,
  introduction: INTRODUCTION, sentences: SENTENCES, needle: needleOf('{number}'), question: QUESTION, cases,
}, undefined, 1).replace(/\n\s+(?=-?\d|\])/g, ' ') + '\n');
await llama.dispose();
