// What holds for any text: round trips, streams equal to the whole, no special tokens from text, bounded time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { AWKWARD_PIECES } from './texts.ts';
import { bpeEntries, spmEntries, tokenizerMetadata, unigramEntries, wordPieceEntries } from './vocabularies.ts';

const SEED = 20250710;
const create = (entries: ReturnType<typeof bpeEntries>): Tokenizer => createTokenizer(tokenizerMetadata(entries));
const PRE_TOKENIZERS = [
  'default', 'gpt-2', 'smollm', 'llama-bpe', 'qwen2', 'qwen35', 'seed-coder', 'bailingmoe', 'laguna', 'minicpm5',
  'gpt-4o', 'tekken', 'kimi-k2', 'deepseek-llm', 'deepseek-coder', 'deepseek-v3', 'falcon',
  'poro-chat', 'viking', 'chameleon',
];
const LOSSLESS: [string, Tokenizer][] = [
  ...PRE_TOKENIZERS.map((pre): [string, Tokenizer] => [pre, create({ ...bpeEntries(), pre })]),
  ['llama', create(spmEntries())],
  ['llama, no prefix', create({ ...spmEntries(), add_space_prefix: false })],
];
const ALL: [string, Tokenizer][] = [
  ...LOSSLESS, ['unigram', create(unigramEntries())], ['wordpiece', create(wordPieceEntries())],
];

/** Any UTF-16 units, lone surrogates among them, mixed with pieces that tokenizers treat specially. */
const anyText = fc.array(
  fc.oneof(
    fc.constantFrom(...AWKWARD_PIECES), fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  ),
  { maxLength: 24 },
).map((pieces) => pieces.join(''));

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const wellFormed = (text: string): string => decoder.decode(new TextEncoder().encode(text));

describe.each(LOSSLESS)('%s', (_, tokenizer) => {
  it('decodes what it encodes', () => {
    fc.assert(fc.property(anyText, (text) => {
      // SentencePiece writes spaces as U+2581 and so cannot tell the two apart.
      const expected = tokenizer.kind === 'sentencepiece-bpe' ? text.replaceAll('▁', ' ') : text;
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(wellFormed(expected));
    }), { numRuns: 150, seed: SEED });
  });
});

describe.each(ALL)('%s', (_, tokenizer) => {
  it('streams the text that decoding at once gives, never part of a character', () => {
    const anyIds = fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize - 1 }), { maxLength: 40 });
    const both = fc.tuple(anyIds, fc.boolean(), fc.boolean());
    fc.assert(fc.property(both, ([ids, skipSpecial, continuation]) => {
      const stream = tokenizer.stream({ skipSpecial, continuation });
      const parts = ids.map((id) => stream.push(id));
      expect(parts.join('') + stream.flush()).toBe(tokenizer.decode(ids, { skipSpecial, continuation }));
    }), { numRuns: 100, seed: SEED });
    fc.assert(fc.property(anyText, (text) => {
      const stream = tokenizer.stream();
      for (const id of tokenizer.encode(text.replaceAll('\uFFFD', '?').replace(/\p{Surrogate}/gu, '?'))) {
        expect(stream.push(id)).not.toContain('\uFFFD');
      }
    }), { numRuns: 50, seed: SEED });
  });

  it('never makes a control token of text', () => {
    // BERT's unknown token is of the control type too, and what unknown words become.
    const isControl = (id: number): boolean => tokenizer.isControl(id) && id !== tokenizer.unkId;
    const allIds = Array.from({ length: tokenizer.vocabSize }, (_unused, id) => id);
    const specials = allIds.filter(isControl);
    const attack = fc.array(fc.oneof(
      fc.constantFrom(...specials.map((id) => tokenizer.tokenText(id))),
      fc.constantFrom(...AWKWARD_PIECES, '<', '|', '>', '</', 's>', '<s', 'im_end', '[', 'CLS', ']'),
    ), { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(fc.property(attack, (text) => {
      const ids = tokenizer.encode(text, { addSpecial: false });
      const segments = tokenizer.encodeSegments([{ text, parseSpecial: false }], { addSpecial: false });
      expect([...ids, ...segments].filter(isControl)).toEqual([]);
    }), { numRuns: 100, seed: SEED });
  });
});

describe('a long text without a break', () => {
  const LONG = ['a', ' ', '\n', '1', '!', '字', '😀', "'", 'l', '<', '\u0301', ' a'];

  it.each(ALL)('%s takes seconds at most', (_, tokenizer) => {
    for (const piece of LONG) {
      const text = piece.repeat(Math.ceil(50_000 / piece.length));
      const startedAt = performance.now();
      expect(tokenizer.encode(text).length).toBeGreaterThan(0);
      expect(performance.now() - startedAt, JSON.stringify(piece)).toBeLessThan(5000);
    }
  });

  it.each([['gpt2', create(bpeEntries())], ['llama', create({ ...spmEntries(), add_space_prefix: false })]])(
    '%s merges a million letters', (_, tokenizer) => {
      const startedAt = performance.now();
      expect(tokenizer.encode('l'.repeat(1_000_000), { addSpecial: false })).toHaveLength(500_000);
      expect(performance.now() - startedAt).toBeLessThan(5000);
    });
});
