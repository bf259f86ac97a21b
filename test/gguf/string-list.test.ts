import { describe, expect, it } from 'vitest';
import { StringList, StringListBuilder } from '../../src/gguf/string-list.ts';

const TEXTS = ['', 'a', 'é', '漢字', '👩‍👩‍👧‍👦', '\uFEFFmark', 'x'.repeat(500), ' ', ''];

describe('strings as one block of UTF-8', () => {
  it('are the same strings', () => {
    const list = StringList.from(TEXTS);
    expect(list.toArray()).toEqual(TEXTS);
    expect(TEXTS.map((_, index) => list.text(index))).toEqual(TEXTS);
    expect(TEXTS.map((_, index) => new TextEncoder().encode(TEXTS[index]))).toEqual(TEXTS.map((_, index) => list.utf8(index)));
  });

  it('may be none', () => {
    expect(StringList.from([]).toArray()).toEqual([]);
  });

  it.each([
    [['a', 'b'], ['a', 'b'], 2],
    [['a', 'b'], ['a'], 1],
    [['a', 'b'], ['a', 'c'], 1],
    [['ab', 'c'], ['a', 'bc'], 0],
    [['', 'a'], ['', '', 'a'], 1],
    [[], ['a'], 0],
  ])('%j and %j begin with the same %i', (some, others, shared) => {
    expect(StringList.from(some).numShared(StringList.from(others))).toBe(shared);
    expect(StringList.from(others).numShared(StringList.from(some))).toBe(shared);
  });

  it('grow past what was guessed', () => {
    const builder = new StringListBuilder(3);
    const long = new TextEncoder().encode('long'.repeat(100));
    for (let i = 0; i < 3; i++) builder.append(long, i, long.length);
    expect(builder.list().toArray().map(({ length }) => length)).toEqual([400, 399, 398]);
  });
});
