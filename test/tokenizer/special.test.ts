// Special tokens: who may write them, what ends generation, how conversations are cut.
import { describe, expect, it } from 'vitest';
import type { GgufValue } from '../../src/gguf/metadata.ts';
import { atOnce } from '../../src/steps.ts';
import { SpecialMatcher } from '../../src/tokenizer/special-matcher.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts';
import { bpeEntries, BYTE_CHARACTERS, spmEntries, tokenizerMetadata, TYPE, wordPieceEntries } from './vocabularies.ts';

const create = (entries: Record<string, GgufValue>): Tokenizer => createTokenizer(tokenizerMetadata(entries));
const bpe = create(bpeEntries());
const [imStart, imEnd, user, tool] = [0, 1, 2, 3].map((i) => bpe.vocabSize - 4 + i) as [number, number, number, number];

function withTokens(...added: [string, number][]): Tokenizer {
  const entries = bpeEntries();
  entries['tokens'] = [...(entries['tokens'] as string[]), ...added.map(([token]) => token)];
  entries['token_type'] = Int32Array.from([...(entries['token_type'] as Int32Array), ...added.map(([, type]) => type)]);
  return create(entries);
}

describe('encode', () => {
  it('takes control tokens from trusted text only, user-defined ones from any', () => {
    const text = '<|im_start|>a<tool>';
    expect(bpe.encode(text)).not.toContain(imStart);
    expect(bpe.encode(text)).toContain(tool);
    expect(bpe.encode(text, { parseSpecial: true })).toEqual([imStart, 'a'.charCodeAt(0), tool]);
    expect(bpe.decode(bpe.encode(text))).toBe(text);
  });

  it('takes the longest of tokens that begin alike, from the left', () => {
    const tokenizer = withTokens(['<to', TYPE.userDefined], ['<tool><tool>', TYPE.userDefined]);
    const ids = tokenizer.encode('<tool><tool><tool><to<t');
    expect(ids.slice(0, 3)).toEqual([tokenizer.vocabSize - 1, tool, tokenizer.vocabSize - 2]);
    expect(tokenizer.decode(ids)).toBe('<tool><tool><tool><to<t');
  });

  it('swallows space after special tokens for Phi-3 only', () => {
    const text = '<|user|> \n hello';
    const phi = create({ ...bpeEntries(), 'general.name': 'Phi-3 mini' });
    expect(phi.decode(phi.encode(text, { parseSpecial: true }))).toBe('<|user|>hello');
    expect(bpe.decode(bpe.encode(text, { parseSpecial: true }))).toBe(text);
  });
});

describe('a token that swallows the space before it', () => {
  const masked = (): Tokenizer => {
    const entries = wordPieceEntries();
    return create({ ...entries, 'general.name': 'Modern-BERT', tokens: [...(entries['tokens'] as string[]), '[MASK]'],
      token_type: Int32Array.from([...(entries['token_type'] as Int32Array), TYPE.control]) });
  };

  it('takes all of it, and none of the text before', () => {
    const matcher = new SpecialMatcher(new Vocabulary(tokenizerMetadata({ ...bpeEntries() })), { left: new Set([tool]), right: new Set([user]) });
    const cut = (text: string): (string | number)[] => atOnce(matcher.split({ text, trusted: true }));
    expect(cut('a b \t\n <tool> c <tool> \r<tool><|user|>  d<|user|> <tool> ')).toEqual(['a b', tool, ' c', tool, tool, user, 'd', user, tool, ' ']);
  });

  it('is found soon however long other space is', () => {
    const tokenizer = masked();
    const startedAt = performance.now();
    const ids = tokenizer.encode(`${`${' '.repeat(200_000)}~`.repeat(3)}[MASK]`, { parseSpecial: true, addSpecial: false });
    expect(ids.at(-1)).toBe(tokenizer.vocabSize - 1);
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });
});

describe('encodeSegments', () => {
  const chat = (content: string): number[] => bpe.encodeSegments([
    { text: '<|im_start|>user\n', parseSpecial: true },
    { text: content, parseSpecial: false },
    { text: '<|im_end|>', parseSpecial: true },
    { text: '\n', parseSpecial: true },
  ]);

  it('equals encoding the whole where nobody writes markup', () => {
    for (const content of ['hello', '\n\nhello ', '', '😀\n']) {
      const whole = `<|im_start|>user\n${content}<|im_end|>\n`;
      expect(chat(content)).toEqual(bpe.encode(whole, { parseSpecial: true }));
    }
  });

  it('leaves markup in content as text, even user-defined markup', () => {
    const ids = chat('<|im_end|><|user|><|im_start|>');
    expect(ids.filter((id) => id === imStart || id === imEnd || id === user)).toEqual([imStart, imEnd]);
    expect(bpe.encodeSegments([{ text: '<|user|>', parseSpecial: true }])).toEqual([user]);
  });

  it('makes no token across the edge of a segment that is not trusted', () => {
    const halves = (first: boolean, second: boolean): number[] => bpe.encodeSegments([
      { text: '<|im_', parseSpecial: first }, { text: 'end|>', parseSpecial: second },
    ]);
    expect(halves(true, false)).not.toContain(imEnd);
    expect(halves(false, true)).not.toContain(imEnd);
    expect(halves(true, true)).toEqual([imEnd]);
  });
});

describe('meaning of tokens', () => {
  it('knows what ends generation by metadata and by spelling', () => {
    expect(bpe.eotId).toBe(imEnd);
    expect([...bpe.endIds]).toEqual([imEnd]);
    const tokenizer = withTokens(['<|eom_id|>', TYPE.control], ['<end_of_turn>', TYPE.normal], ['<x>', TYPE.control]);
    const first = tokenizer.vocabSize - 3;
    expect([...tokenizer.endIds].sort((a, b) => a - b)).toEqual([imEnd, first, first + 1]);
    expect(tokenizer.isControl(first + 1)).toBe(true);
  });

  it('does not end at <|end|> where it ends a part of a reply', () => {
    const control = (token: string): [string, number] => [token, TYPE.control];
    const names = (tokenizer: Tokenizer): string[] => [...tokenizer.endIds].map((id) => tokenizer.tokenText(id));
    expect(names(withTokens(control('<|end|>')))).toContain('<|end|>');
    expect(names(withTokens(...['<|end|>', '<|return|>', '<|call|>'].map(control)))).not.toContain('<|end|>');
  });

  it('has defaults where metadata is silent, and none that lie outside the vocabulary', () => {
    const { tokens, scores, token_type: types } = spmEntries();
    const spm = create({ model: 'llama', tokens: tokens!, scores: scores!, token_type: types! });
    expect([spm.bosId, spm.eosId, spm.unkId, spm.padId]).toEqual([1, 2, 0, undefined]);
    const tiny = create({ model: 'gpt2', tokens: [...BYTE_CHARACTERS], merges: [] });
    expect([tiny.bosId, tiny.eosId, tiny.addBos]).toEqual([undefined, undefined, false]);
  });

  it('tells special tokens from ordinary ones', () => {
    expect([imStart, tool, 65].map((id) => bpe.isSpecial(id))).toEqual([true, true, false]);
    expect([imStart, tool, 65].map((id) => bpe.isControl(id))).toEqual([true, false, false]);
    expect(bpe.tokenText(imStart)).toBe('<|im_start|>');
  });
});
