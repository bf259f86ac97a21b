// Vocabularies that contradict themselves end in a typed error that says how.
import { describe, expect, it } from 'vitest';
import { GgufError, TokenizerError } from '../../src/errors.ts';
import type { ClawdbotError } from '../../src/errors.ts';
import type { GgufValue } from '../../src/gguf/metadata.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { bpeEntries, spmEntries, tokenizerMetadata, unigramEntries, wordPieceEntries } from './vocabularies.ts';

type Entries = Record<string, GgufValue | undefined>;

const TABLE = 'precompiled_charsmap';
const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const bad: [string, Entries, new (message: string) => ClawdbotError, RegExp][] = [
  ['no model', { ...bpeEntries(), model: undefined }, GgufError, /tokenizer\.ggml\.model/],
  ['model is a number', { ...bpeEntries(), model: 3 }, GgufError, /string/],
  ['no tokens', { ...bpeEntries(), tokens: undefined }, GgufError, /tokenizer\.ggml\.tokens/],
  ['tokens are numbers', { ...bpeEntries(), tokens: Uint8Array.of(1) }, GgufError, /array of strings/],
  ['empty vocabulary', { ...bpeEntries(), tokens: [], token_type: new Int32Array(0) }, TokenizerError, /no tokens/],
  ['duplicate token', { model: 'gpt2', tokens: ['a', 'b', 'a'], merges: [] }, TokenizerError, /"a" twice, as 0 and 2/],
  ['too few types', { ...bpeEntries(), token_type: new Int32Array(3) }, TokenizerError, /token_type.* 3 entries/],
  ['too many types', { ...spmEntries(), token_type: new Int32Array(1000) }, TokenizerError, /1000 entries/],
  ['types are strings', { ...bpeEntries(), token_type: ['a'] }, GgufError, /array of numbers/],
  ['too few scores', { ...spmEntries(), scores: new Float32Array(4) }, TokenizerError, /scores.* 4 entries/],
  ['score is NaN', { ...spmEntries(), scores: new Float32Array(284).fill(NaN) }, TokenizerError, /score of token 0/],
  ['no merges', { ...bpeEntries(), merges: undefined }, GgufError, /merges/],
  ['merge without space', { ...bpeEntries(), merges: ['h e', 'll'] }, TokenizerError, /Merge 1, "ll"/],
  ['merge without right side', { ...bpeEntries(), merges: ['h '] }, TokenizerError, /Merge 0/],
  ['empty merge', { ...bpeEntries(), merges: [''] }, TokenizerError, /Merge 0/],
  ['bos out of range', { ...bpeEntries(), bos_token_id: 100_000 }, TokenizerError, /bos_token_id" is 100000/],
  ['eos negative', { ...spmEntries(), eos_token_id: -7 }, TokenizerError, /eos_token_id" is -7/],
  ['eot is fractional', { ...spmEntries(), eot_token_id: 1.5 }, TokenizerError, /eot_token_id/],
  ['eos is a string', { ...spmEntries(), eos_token_id: '2' }, GgufError, /a number/],
  [
    'BOS wanted, none named', { ...bpeEntries(), bos_token_id: undefined, add_bos_token: true },
    TokenizerError, /bos_token_id/,
  ],
  ['add_bos_token is a number', { ...bpeEntries(), add_bos_token: 1 }, GgufError, /boolean/],
  ['unigram without unknown', { model: 't5', tokens: ['a', '</s>'] }, TokenizerError, /unknown_token_id/],
  ['WordPiece without CLS', { ...wordPieceEntries(), cls_token_id: undefined }, TokenizerError, /cls_token_id/],
  ['table too short', { ...unigramEntries(), [TABLE]: Uint8Array.of(1, 0) }, TokenizerError, /normalisation table/],
  ['table beyond its end', { ...unigramEntries(), [TABLE]: u32(0xfffffff0, 0, 0) }, TokenizerError, /normalisation/],
  ['table without replacements', { ...unigramEntries(), [TABLE]: u32(4, 0) }, TokenizerError, /normalisation table/],
  ['table not terminated', { ...unigramEntries(), [TABLE]: u32(4, 0, 0x61616161) }, TokenizerError, /normalisation/],
];

describe('a bad vocabulary', () => {
  it.each(bad)('%s', (_, entries, kind, message) => {
    const create = (): unknown => createTokenizer(tokenizerMetadata(entries));
    expect(create).toThrow(kind);
    expect(create).toThrow(message);
  });
});

describe('a normalisation table', () => {
  const encodeWith = (nodes: Record<number, number>, replacements: readonly number[]): (() => unknown) => {
    const list = new Uint32Array(256);
    for (const [index, node] of Object.entries(nodes)) list[Number(index)] = node;
    const table = new Uint8Array(4 + list.byteLength + replacements.length);
    table.set(u32(list.byteLength));
    table.set(new Uint8Array(list.buffer), 4);
    table.set(replacements, 4 + list.byteLength);
    const tokenizer = createTokenizer(tokenizerMetadata({ ...unigramEntries(), [TABLE]: table }));
    return () => tokenizer.encode('B');
  };

  it('that leads out of itself is refused when text reaches it', () => {
    expect(encodeWith({ 0: 0x1fffff << 10 }, [0])).toThrow(/leads out of it/);
    expect(encodeWith({ 0x42: 0x42 }, [0])).not.toThrow();
    const leaf = 0x42 | 0x100 | (0x80 << 10);
    expect(encodeWith({ 0x42: leaf, 0xc2: 77 }, [0])).toThrow(/lies outside/);
    expect(encodeWith({ 0x42: leaf, 0xc2: 0 }, [...new Uint8Array(99).fill(65), 0])).toThrow(/longer/);
  });
});

describe('bad ids', () => {
  const tokenizer = createTokenizer(tokenizerMetadata(bpeEntries()));

  it.each([-1, 1.5, NaN, 1e9, Infinity])('%s is refused', (id) => {
    expect(() => tokenizer.decode([id])).toThrow(TokenizerError);
    expect(() => tokenizer.tokenBytes(id)).toThrow(/not a token id/);
    expect(() => tokenizer.stream().push(id)).toThrow(TokenizerError);
  });
});

describe('odd but harmless vocabularies', () => {
  it('takes padding outside the vocabulary as none', () => {
    expect(createTokenizer(tokenizerMetadata({ ...bpeEntries(), padding_token_id: 1e6 })).padId).toBeUndefined();
  });

  it('names empty tokens and takes unknown types as undefined', () => {
    const tokenizer = createTokenizer(tokenizerMetadata({
      model: 'gpt2', tokens: ['', 'a', ''], merges: [], token_type: Int32Array.of(1, 77, -3),
    }));
    expect(tokenizer.tokenText(0)).toBe('[EMPTY_0]');
    expect(tokenizer.encode('a')).toEqual([1]);
  });
});
