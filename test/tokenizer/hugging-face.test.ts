// Against @huggingface/tokenizers: the tokenizer.json of tiny models and the vocabulary of their GGUF twins.
import { readFileSync } from 'node:fs';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';
import { AWKWARD_TEXTS } from './texts.ts';

const MODELS = [
  'llama3-bpe-f32', 'qwen2-sharded-f32', 'qwen3-bf16', 'gemma3-text-f32', 'mistral-bf16-sharded', 'phi3-f32',
  'bert-mean-f32',
];
/** Where we follow llama.cpp instead: it has no limit of 100 letters a word, and U+0085 is space to it. */
const isBertOnly = (text: string): boolean => /\w{101}|\u0085/.test(text);

describe.skipIf(!fixturesDir())('@huggingface/tokenizers', () => {
  it.each(MODELS)('%s gives the same ids', async (name) => {
    const json = (file: string): object => JSON.parse(readFileSync(fixture('hf', name, file), 'utf8')) as object;
    const oracle = new HuggingFaceTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
    const file = fixture('hf', '_ref', 'gguf', `${name}.gguf`);
    const { metadata } = await readGguf(bytesSource(readFileSync(file), file));
    const tokenizer = createTokenizer(metadata);
    const texts = tokenizer.kind === 'wordpiece' ? AWKWARD_TEXTS.filter((text) => !isBertOnly(text)) : AWKWARD_TEXTS;
    for (const text of texts) {
      const { ids } = oracle.encode(text, { add_special_tokens: false });
      expect(tokenizer.encode(text, { addSpecial: false }), JSON.stringify(text)).toEqual(ids);
    }
  });
});
