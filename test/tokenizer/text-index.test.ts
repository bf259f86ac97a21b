import { describe, expect, it } from 'vitest';
import { StringList } from '../../src/gguf/string-list.ts';
import { TextIndex } from '../../src/tokenizer/text-index.ts';

describe('the index of texts by their bytes', () => {
  const texts = StringList.from(Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? i.toString(2) : `字${i}`)));

  it('finds every text and nothing else', () => {
    const index = new TextIndex(texts);
    for (let place = 0; place < texts.length; place++) expect(index.add(place)).toBe(place);
    const { bytes, starts } = texts;
    for (let place = 0; place < texts.length; place++) {
      expect(index.find(bytes, starts[place]!, starts[place + 1]!)).toBe(place);
      const longer = new Uint8Array([...texts.utf8(place), 0]);
      expect(index.find(longer, 0, longer.length)).toBe(-1);
    }
  });

  it('keeps the first of equal texts', () => {
    const twice = StringList.from(['a', 'b', 'a']);
    const index = new TextIndex(twice);
    expect([0, 1, 2].map((place) => index.add(place))).toEqual([0, 1, 0]);
    expect(index.find(twice.bytes, 2, 3)).toBe(0);
  });

  it('finds nothing before it is added, in an empty list and by an empty text', () => {
    expect(new TextIndex(texts).find(texts.bytes, 0, 1)).toBe(-1);
    expect(new TextIndex(StringList.from([])).find(texts.bytes, 0, 0)).toBe(-1);
  });
});
