// Text from ids: spaces that encoding added, special tokens, characters that arrive in parts.
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { bpeEntries, spmEntries, tokenizerMetadata } from './vocabularies.ts';

const bpe = createTokenizer(tokenizerMetadata(bpeEntries()));
const spm = createTokenizer(tokenizerMetadata(spmEntries()));

describe('decode', () => {
  it('leaves special tokens out unless asked', () => {
    const ids = bpe.encode('<|im_start|>hello<tool>', { parseSpecial: true });
    expect(bpe.decode(ids)).toBe('hello<tool>');
    expect(bpe.decode(ids, { skipSpecial: false })).toBe('<|im_start|>hello<tool>');
  });

  it('takes back the space that encoding put before a text', () => {
    const ids = spm.encode('hello world');
    expect(spm.decode(ids)).toBe('hello world');
    expect(spm.decode(ids, { skipSpecial: false })).toBe('<s>hello world');
    expect(spm.decode(spm.encode(' hello'))).toBe(' hello');
    expect(spm.decode(ids.slice(1), { continuation: true })).toBe(' hello world');
  });

  it('shows broken UTF-8 as U+FFFD and keeps a byte order mark', () => {
    expect(bpe.decode([0xff, 0x41])).toBe('\uFFFDA');
    expect(bpe.decode(bpe.encode('\uFEFFa'))).toBe('\uFEFFa');
  });

  it('hands out bytes nobody else holds', () => {
    bpe.tokenBytes(65)[0] = 0;
    expect(bpe.tokenText(65)).toBe('A');
  });
});

describe('stream', () => {
  it('waits for the end of a character', () => {
    const stream = bpe.stream();
    const parts = bpe.encode('a😀é').map((id) => stream.push(id));
    expect(parts).toEqual(['a', '', '', '', '😀', 'é']);
    expect(stream.flush()).toBe('');
  });

  it('gives up on a character that never ends', () => {
    const stream = bpe.stream();
    const [first] = bpe.encode('😀');
    expect(stream.push(first!)).toBe('');
    expect(stream.flush()).toBe('\uFFFD');
  });
});
