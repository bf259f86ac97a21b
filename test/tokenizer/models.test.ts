// Each tokenization model on a vocabulary small enough to work out by hand.
import { describe, expect, it } from 'vitest';
import { TokenizerError, UnsupportedModelError } from '../../src/errors.ts';
import type { GgufValue } from '../../src/gguf/metadata.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { EncodeOptions, Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { bpeEntries, spmEntries, tokenizerMetadata, unigramEntries, wordPieceEntries } from './vocabularies.ts';

const create = (entries: Record<string, GgufValue>, more: Record<string, GgufValue> = {}): Tokenizer =>
  createTokenizer(tokenizerMetadata({ ...entries, ...more }));
const pieces = (tokenizer: Tokenizer, text: string, options: EncodeOptions = { addSpecial: false }): string[] =>
  tokenizer.encode(text, options).map((id) => tokenizer.tokenText(id));

describe('byte-level BPE', () => {
  it('merges by rank within words', () => {
    expect(pieces(create(bpeEntries()), 'hello world hell')).toEqual(['hello', ' world', ' ', 'hell']);
  });

  it('adds BOS only where the metadata says so', () => {
    const { bosId } = create(bpeEntries());
    expect(create(bpeEntries()).encode('he')).not.toContain(bosId);
    expect(create(bpeEntries(), { add_bos_token: true }).encode('he')[0]).toBe(bosId);
    expect(create(bpeEntries(), { add_bos_token: true }).encode('he', { addSpecial: false })).not.toContain(bosId);
    expect(create(bpeEntries(), { add_eos_token: true }).encode('').at(-1)).toBe(create(bpeEntries()).eosId);
  });

  it('takes a whole word that is a token where merges are ignored', () => {
    const entries = bpeEntries();
    entries['tokens'] = [...(entries['tokens'] as string[]), 'hex'];
    entries['token_type'] = Int32Array.from([...(entries['token_type'] as Int32Array), 1]);
    expect(pieces(create(entries), 'hex')).toEqual(['he', 'x']);
    expect(pieces(create(entries, { pre: 'llama-bpe' }), 'hex')).toEqual(['hex']);
  });

  it('drops nothing and invents nothing where bytes are missing from the vocabulary', () => {
    const tokenizer = create({ model: 'gpt2', tokens: ['a', 'b', 'ab'], merges: ['a b'] });
    expect(tokenizer.encode('abxb')).toEqual([2, 1]);
  });
});

describe('SentencePiece BPE', () => {
  it('puts a space before the text and merges by score', () => {
    expect(pieces(create(spmEntries()), 'hello world')).toEqual([' hello', ' world']);
    expect(create(spmEntries()).encode('').length).toBe(1);
  });

  it('has no prefix where the model has none', () => {
    expect(pieces(create(spmEntries(), { add_space_prefix: false }), 'hell')).toEqual(['hell']);
  });

  it('spells what it does not know in bytes', () => {
    const tokenizer = create(spmEntries());
    const ids = tokenizer.encode('é€', { addSpecial: false });
    expect(ids.map((id) => tokenizer.tokenBytes(id).length)).toEqual([1, 2, 1, 1, 1]);
    expect(tokenizer.decode(ids)).toBe('é€');
  });

  it('says when a character has neither token, byte nor unknown token', () => {
    const entries = { model: 'llama', tokens: ['a', 'b'], scores: Float32Array.of(0, 0), add_bos_token: false };
    const tokenizer = create(entries, { add_space_prefix: false });
    expect(tokenizer.encode('ab')).toEqual([0, 1]);
    expect(() => tokenizer.encode('ax')).toThrow(TokenizerError);
    const unknown = { token_type: Int32Array.of(1, 2), unknown_token_id: 1 };
    const withUnknown = create(entries, { add_space_prefix: false, ...unknown });
    expect(withUnknown.encode('ax')).toEqual([0, 1]);
  });

  it('names such a character also where it is a byte order mark', () => {
    expect(() => create({ model: 'llama', tokens: ['a', '<s>', '</s>'], add_space_prefix: false }).encode('\uFEFF'))
      .toThrow(JSON.stringify('\uFEFF'));
  });

  it('never merges into a control token', () => {
    const tokenizer = create(spmEntries());
    expect(tokenizer.encode('<s>', { addSpecial: false })).not.toContain(1);
    expect(tokenizer.encode('<s>', { addSpecial: false, parseSpecial: true })).toEqual([1]);
  });
});

describe('Unigram', () => {
  it('takes the way of the highest score, not the longest tokens', () => {
    const tokenizer = create(unigramEntries());
    // ▁ab (-5) loses to ▁ + ab (-4); abb (-5.5) loses to ab + b (-5).
    expect(tokenizer.encode('ab', { addSpecial: false })).toEqual([3, 6]);
    expect(tokenizer.encode('abb', { addSpecial: false })).toEqual([3, 6, 5]);
  });

  it('merges spaces, ends with EOS, joins unknown characters', () => {
    const tokenizer = create(unigramEntries());
    expect(tokenizer.encode('  a   a ')).toEqual([4, 4, 1]);
    expect(tokenizer.encode('zz', { addSpecial: false })).toEqual([3, 2]);
    expect(tokenizer.decode(tokenizer.encode('a ab'))).toBe('a ab');
  });

  it('matches user-defined tokens before anything else', () => {
    expect(create(unigramEntries()).encode('a<x>b')).toEqual([4, 10, 3, 5, 1]);
  });

  it('applies the normalisation table', () => {
    // One node below the root (base 0): "B" (0x42) leads to a value that names the replacement "ab".
    const nodes = new Uint32Array(0x100);
    nodes[0x42] = 0x42 | 0x100 | (0x80 << 10);
    nodes[0x42 ^ 0x80] = 1;
    const table = new Uint8Array(4 + nodes.byteLength + 4);
    new DataView(table.buffer).setUint32(0, nodes.byteLength, true);
    table.set(new Uint8Array(nodes.buffer), 4);
    table.set([0, 0x61, 0x62, 0], 4 + nodes.byteLength);
    const tokenizer = create(unigramEntries(), { precompiled_charsmap: table });
    expect(tokenizer.encode('B')).toEqual(tokenizer.encode('ab'));
    expect(tokenizer.encode('bB')).toEqual(tokenizer.encode('bab'));
  });
});

describe('WordPiece', () => {
  it('lower-cases, strips accents, cuts words from the left, frames with CLS and SEP', () => {
    const tokenizer = create(wordPieceEntries());
    expect(pieces(tokenizer, 'Hello UNAFFABLE Café!', {})).toEqual(
      ['[CLS]', ' hello', ' un', 'aff', 'able', ' ca', 'fe', ' !', '[SEP]']);
    expect(tokenizer.decode(tokenizer.encode('hello unaffable'))).toBe('hello unaffable');
  });

  it('takes ideographs and marks as words, unknown words as one token', () => {
    expect(pieces(create(wordPieceEntries()), '中中~é unaffz')).toEqual([' 中', ' 中', ' ~', ' e', '[UNK]']);
  });

  it('keeps case and accents where the metadata says so', () => {
    const cased = create(wordPieceEntries(), { 'normalizer.lowercase': false });
    expect(pieces(cased, 'Hello é hello')).toEqual(['[UNK]', '[UNK]', ' hello']);
  });
});

describe('other tokenizers', () => {
  it.each(['rwkv', 'plamo2', 'something'])('%s is refused by name', (model) => {
    expect(() => create({ model, tokens: ['a'] })).toThrow(UnsupportedModelError);
    expect(() => create({ model, tokens: ['a'] })).toThrow(model);
  });

  it.each(['none', 'no_vocab'])('%s takes ids but no text', (model) => {
    const tokenizer = create({ model, 'general.architecture': 'llama', 'llama.vocab_size': 320 });
    expect(tokenizer.vocabSize).toBe(320);
    expect(() => tokenizer.encode('a')).toThrow(TokenizerError);
    expect(() => tokenizer.decode([1])).toThrow(/Pass token ids/);
    expect(tokenizer.stream().push(3)).toBe('');
  });

  it('refuses an unknown pre-tokenizer unless told to guess', () => {
    expect(() => create(bpeEntries(), { pre: 'nobody-knows' })).toThrow(UnsupportedModelError);
    const metadata = tokenizerMetadata({ ...bpeEntries(), pre: 'nobody-knows' });
    expect(createTokenizer(metadata, { allowUnknownPreTokenizer: true }).encode('hello')).toHaveLength(1);
  });
});
