// Writes a llama-shaped GGUF file with random weights that are the same at every run, to measure speed where no such model
// can be downloaded:
//   node scripts/make-synthetic-model.mjs OUT.gguf [--shape 1.1b|7b|tiny] [--type Q4_0|Q8_0|…] [--tokenizer FROM.gguf]
// Types as llama.cpp's quantizer chooses them: all matrices in one type, the output in Q6_K where the type is below Q8_0.
// A tensor repeats one quantized stretch of random values, begun elsewhere each time; nothing larger is held in memory.
// Needs a build.
import { closeSync, openSync, writeSync } from 'node:fs';
import { parseArgs } from './command-line.mjs';
import { openFile, quantize, readGguf, writeGgufTo } from '../dist/index.js';

const SHAPES = {
  '1.1b': { hidden: 2048, layers: 22, heads: 32, kvHeads: 4, intermediate: 5632, vocab: 32000, context: 4096 },
  '7b': { hidden: 4096, layers: 32, heads: 32, kvHeads: 32, intermediate: 11008, vocab: 32000, context: 4096 },
  tiny: { hidden: 256, layers: 2, heads: 4, kvHeads: 2, intermediate: 512, vocab: 2048, context: 512 },
};
const FILE_TYPES = { F16: 1, Q4_0: 2, Q4_1: 3, Q8_0: 7, Q5_0: 8, Q5_1: 9, Q4_K: 15, Q5_K: 17, Q6_K: 18 };
const WIDE_TYPES = ['F16', 'Q8_0', 'Q6_K'];
/** Values of a stretch: 1,024 blocks of 256. */
const STRETCH = 2 ** 18;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

const { values: options, positionals: [output] } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: 'string', default: '1.1b' },
    type: { type: 'string', default: 'Q4_0' },
    tokenizer: { type: 'string' },
  },
});
const shape = SHAPES[options.shape];
if (!output || !shape || !(options.type in FILE_TYPES)) {
  throw new Error(`Give OUT.gguf, --shape ${Object.keys(SHAPES).join('|')} and --type ${Object.keys(FILE_TYPES).join('|')}.`);
}

let state = 42;
/** From 0 up to 1 (a linear congruential generator, constants of Numerical Recipes). */
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** A quantized stretch of bell-shaped values whose spread `sigma` varies from block to block, as in trained weights. */
function makeStretch(type, sigma) {
  const values = new Float32Array(STRETCH);
  for (let at = 0; at < STRETCH; at += 32) {
    const spread = sigma * (0.5 + random());
    for (let i = 0; i < 32; i++) values[at + i] = spread * (random() + random() + random() - 1.5) * 2;
  }
  return quantize(type, values);
}

const stretches = new Map();

function matrix(name, cols, rows, sigma, type = options.type) {
  const key = `${type} ${sigma}`;
  return {
    name, type, shape: [cols, rows],
    *bytes() {
      if (!stretches.has(key)) stretches.set(key, makeStretch(type, sigma));
      const stretch = stretches.get(key);
      const chunkBytes = stretch.length / (STRETCH / 256);
      for (let left = (cols * rows) / 256; left > 0;) {
        const from = Math.floor(random() * 1024);
        const count = Math.min(left, 1024 - from);
        yield stretch.subarray(from * chunkBytes, (from + count) * chunkBytes);
        left -= count;
      }
    },
  };
}

function norm(name) {
  return { name, type: 'F32', shape: [shape.hidden], bytes: new Uint8Array(new Float32Array(shape.hidden).fill(1).buffer) };
}

function layer(i) {
  const { hidden, intermediate, heads, kvHeads, layers } = shape;
  const kv = (hidden / heads) * kvHeads;
  const unit = 1 / Math.sqrt(hidden);
  // What is added to the residual stream is smaller, so that it does not grow with the layers.
  const added = 1 / Math.sqrt(2 * layers);
  return [
    norm(`blk.${i}.attn_norm.weight`),
    matrix(`blk.${i}.attn_q.weight`, hidden, hidden, unit),
    matrix(`blk.${i}.attn_k.weight`, hidden, kv, unit),
    matrix(`blk.${i}.attn_v.weight`, hidden, kv, unit),
    matrix(`blk.${i}.attn_output.weight`, hidden, hidden, unit * added),
    norm(`blk.${i}.ffn_norm.weight`),
    matrix(`blk.${i}.ffn_gate.weight`, hidden, intermediate, unit),
    matrix(`blk.${i}.ffn_up.weight`, hidden, intermediate, unit),
    matrix(`blk.${i}.ffn_down.weight`, intermediate, hidden, added / Math.sqrt(intermediate)),
  ];
}

/** A SentencePiece vocabulary: bytes, letters, and made-up words of which every beginning is a token too. */
function syntheticVocabulary(size) {
  const tokens = ['<unk>', '<s>', '</s>'];
  const types = [2, 3, 3];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    types.push(6);
  }
  const longer = (words) => words.flatMap((word) => [...LETTERS].map((letter) => word + letter));
  const letters = [...LETTERS];
  const pairs = longer(letters);
  const marked = ['▁', ...letters.map((letter) => `▁${letter}`), ...pairs.map((pair) => `▁${pair}`)];
  for (const word of [...letters, ...marked, ...pairs, ...longer(pairs).map((word) => `▁${word}`), ...longer(pairs)]) {
    if (tokens.length === size) break;
    tokens.push(word);
    types.push(1);
  }
  if (tokens.length !== size) throw new Error(`The synthetic vocabulary ends at ${tokens.length} tokens.`);
  const scores = Float32Array.from(tokens, (_, id) => (id < 259 ? 0 : 259 - id));
  return [
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.scores', scores],
    ['tokenizer.ggml.token_type', Int32Array.from(types)],
    ['tokenizer.ggml.bos_token_id', 1],
    ['tokenizer.ggml.eos_token_id', 2],
    ['tokenizer.ggml.unknown_token_id', 0],
    ['tokenizer.ggml.add_bos_token', true],
    ['tokenizer.ggml.add_eos_token', false],
  ];
}

async function tokenizerOf(path) {
  const source = await openFile(path);
  const { metadata } = await readGguf(source);
  await source.close();
  return [...metadata.entries].filter(([key]) => key.startsWith('tokenizer.'));
}

const vocabulary = options.tokenizer ? await tokenizerOf(options.tokenizer) : syntheticVocabulary(shape.vocab);
const vocabSize = new Map(vocabulary).get('tokenizer.ggml.tokens').length;
const f32 = (value) => ({ type: 'f32', value });
const unit = 1 / Math.sqrt(shape.hidden);
const descriptor = openSync(output, 'w');
await writeGgufTo((bytes) => {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}, {
  metadata: [
    ['general.architecture', 'llama'],
    ['general.name', `synthetic ${options.shape} ${options.type}`],
    ['general.file_type', FILE_TYPES[options.type]],
    ['general.quantization_version', 2],
    ['llama.context_length', shape.context],
    ['llama.embedding_length', shape.hidden],
    ['llama.block_count', shape.layers],
    ['llama.feed_forward_length', shape.intermediate],
    ['llama.rope.dimension_count', shape.hidden / shape.heads],
    ['llama.rope.freq_base', f32(10000)],
    ['llama.attention.head_count', shape.heads],
    ['llama.attention.head_count_kv', shape.kvHeads],
    ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
    ['llama.vocab_size', vocabSize],
    ...vocabulary,
  ],
  tensors: [
    matrix('token_embd.weight', shape.hidden, vocabSize, 1),
    ...Array.from({ length: shape.layers }, (_, i) => layer(i)).flat(),
    norm('output_norm.weight'),
    matrix('output.weight', shape.hidden, vocabSize, unit, WIDE_TYPES.includes(options.type) ? options.type : 'Q6_K'),
  ],
});
closeSync(descriptor);
