// Stop strings never show, however the text is cut into pieces, and nothing else is held back for good.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopStringMatcher, stopString } from '../../src/engine/stop-strings.ts';

interface Shown {
  readonly pieces: readonly string[];
  readonly text: string;
  readonly stopped: boolean;
}

function show(pieces: readonly string[], stops: readonly string[]): Shown {
  const matcher = new StopStringMatcher(stops.map(stopString));
  const shown: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = matcher.push(piece);
    shown.push(text);
    if (stopped) return { pieces: shown, text: shown.join(''), stopped: true };
  }
  shown.push(matcher.flush());
  return { pieces: shown, text: shown.join(''), stopped: false };
}

/** By trying every end: the first place where a stop string is complete, and the longest that is complete there. */
function cut(text: string, stops: readonly string[]): string | undefined {
  for (let end = 1; end <= text.length; end++) {
    const complete = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    if (complete.length > 0) return text.slice(0, end - Math.max(...complete.map((stop) => stop.length)));
  }
  return undefined;
}

/** `text` in pieces that end at the given places, never inside a surrogate pair. */
function split(text: string, places: readonly number[]): string[] {
  const characters = [...text];
  const ends = [...new Set(places.map((place) => place % (characters.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((from, i) => characters.slice(from, ends[i] ?? characters.length).join(''));
}

/** Few letters, so that stop strings overlap with the text, themselves and each other. */
const letters = (maxLength: number, minLength = 0): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom('a', 'b', '\n', 'é', '😀', '😁'), { minLength, maxLength, size: 'max' })
    .map((all) => all.join(''));
const stopSet = fc.array(letters(5, 1), { maxLength: 5 });
const places = fc.array(fc.nat(60), { maxLength: 30, size: 'max' });

describe('stop strings', () => {
  it('end the text before the first that is complete, whatever the pieces', () => {
    fc.assert(fc.property(letters(40), places, stopSet, (text, ends, stops) => {
      const { text: shown, stopped } = show(split(text, ends), stops);
      const expected = cut(text, stops);
      expect(stopped).toBe(expected !== undefined);
      expect(shown).toBe(expected ?? text);
    }), { numRuns: 3000 });
  });

  it('hold back exactly what could begin one', () => {
    fc.assert(fc.property(letters(40), places, stopSet, (text, ends, stops) => {
      const pieces = split(text, ends);
      const matcher = new StopStringMatcher(stops.map(stopString));
      let seen = '';
      let shown = '';
      for (const piece of pieces) {
        seen += piece;
        const { text: more, stopped } = matcher.push(piece);
        shown += more;
        if (stopped) return;
        const beginnings = stops.flatMap((stop) => Array.from({ length: stop.length }, (_, i) => stop.slice(0, i)));
        const held = Math.max(0, ...beginnings.filter((part) => seen.endsWith(part)).map((part) => part.length));
        expect(shown).toBe(seen.slice(0, seen.length - held));
      }
    }), { numRuns: 2000 });
  });

  it('never leave half a surrogate pair in a piece', () => {
    fc.assert(fc.property(letters(40), places, stopSet, (text, ends, stops) => {
      for (const piece of show(split(text, ends), stops).pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
    }), { numRuns: 1000 });
  });

  it.each<[string[], string[], string, boolean]>([
    [['a', 'b', 'c', 'd'], ['bc'], 'a', true],
    [['abcd'], ['abcd', 'bc'], 'a', true],
    [['a', 'b', 'c', 'd'], ['abcd', 'bc'], 'a', true],
    [['xabab', 'ac'], ['abac'], 'xab', true],
    [['aaa', 'aab'], ['aab'], 'aaa', true],
    [['stop', 'pe'], ['stop!', 'ped'], 'stoppe', false],
    [['x', 'yz'], ['yz', 'xyz'], '', true],
    [['one\n', '\ntwo'], ['\n\n'], 'one', true],
    [['one\n'], ['\n\n'], 'one\n', false],
    [['', '', 'a', ''], ['a'], '', true],
    [['whole'], [], 'whole', false],
  ])('%j with stops %j', (pieces, stops, text, stopped) => {
    expect(show(pieces, stops)).toMatchObject({ text, stopped });
  });

  it('say nothing after the end', () => {
    const matcher = new StopStringMatcher([stopString('b')]);
    expect(matcher.push('abc')).toEqual({ text: 'a', stopped: true });
    expect(matcher.push('more')).toEqual({ text: '', stopped: true });
    expect(matcher.flush()).toBe('');
  });

  it('cost time in proportion to the text, at their worst', () => {
    const stops = Array.from({ length: 64 }, (_, i) => stopString('a'.repeat(4095) + String.fromCharCode(0x100 + i)));
    const matcher = new StopStringMatcher(stops);
    const startedAt = performance.now();
    for (let i = 0; i < 5000; i++) matcher.push('aaaa');
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(matcher.flush()).toBe('a'.repeat(4095));
  });
});
