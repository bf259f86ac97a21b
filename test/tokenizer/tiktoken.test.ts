// Byte-level BPE against tiktoken, an independent implementation that carries real vocabularies of 50k to 200k tokens.
import fc from 'fast-check';
import { get_encoding } from 'tiktoken';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { AWKWARD_PIECES, AWKWARD_TEXTS } from './texts.ts';
import { tiktokenEntries, tokenizerMetadata } from './vocabularies.ts';

const ENCODINGS = [['gpt2', 'gpt-2'], ['cl100k_base', 'dbrx'], ['o200k_base', 'gpt-4o']] as const;
const SEED = 20250710;

describe.each(ENCODINGS)('tiktoken %s', (name, pre) => {
  const oracle = get_encoding(name);
  const tokenizer = createTokenizer(tokenizerMetadata(tiktokenEntries(name, pre)));
  const encode = (text: string): number[] => tokenizer.encode(text, { addSpecial: false });

  it('gives the same ids for awkward texts', () => {
    for (const text of AWKWARD_TEXTS) {
      expect(encode(text), JSON.stringify(text)).toEqual([...oracle.encode_ordinary(text)]);
    }
  });

  it('gives the same ids for mixtures of scripts, digits, marks and spaces', () => {
    const text = fc.array(fc.constantFrom(...AWKWARD_PIECES), { maxLength: 14 }).map((pieces) => pieces.join(''));
    fc.assert(fc.property(text, (sample) => {
      expect(encode(sample)).toEqual([...oracle.encode_ordinary(sample)]);
    }), { numRuns: 400, seed: SEED });
  });

  it('decodes what tiktoken encodes', () => {
    for (const text of AWKWARD_TEXTS) expect(tokenizer.decode(oracle.encode_ordinary(text))).toBe(text);
  });

  it('keeps special tokens in text as text', () => {
    const text = 'a <|endoftext|> b';
    expect(encode(text)).toEqual([...oracle.encode_ordinary(text)]);
    expect(tokenizer.encode(text, { addSpecial: false, parseSpecial: true })).toEqual([...oracle.encode(text, 'all')]);
  });
});
