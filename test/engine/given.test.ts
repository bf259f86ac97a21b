// Copies of what a call was given: deep where it is data, the caller's own where it is not.
import { describe, expect, it } from 'vitest';
import { copyOf } from '../../src/engine/given.ts';

describe('what a call was given', () => {
  it('is the same, and another one all the way down', () => {
    const given = { ids: [1, 2], nested: [{ text: 'a', list: [[null, undefined]] }], typed: Float32Array.of(1, 2), buffer: Buffer.from('ab') };
    const copy = copyOf(given);
    expect(copy).toEqual(given);
    given.nested[0]!.list[0]!.push(null);
    given.ids.push(3);
    given.typed[0] = 5;
    given.buffer[0] = 0;
    expect(copy).toEqual({ ids: [1, 2], nested: [{ text: 'a', list: [[null, undefined]] }], typed: Float32Array.of(1, 2), buffer: Buffer.from('ab') });
  });

  it('keeps functions and what has a class', () => {
    const given = { signal: new AbortController().signal, tell: () => 1, date: new Date(0), map: new Map([[1, {}]]) };
    const copy = copyOf(given);
    for (const name of ['signal', 'tell', 'date', 'map'] as const) expect(copy[name]).toBe(given[name]);
    const polyfilled = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };
    expect(copyOf({ signal: polyfilled }).signal).toBe(polyfilled);
  });

  it('may hold itself, one thing twice, and any depth', () => {
    const shared = { x: 1 };
    const given: Record<string, unknown> = { a: shared, b: shared };
    given['self'] = given;
    const copy = copyOf(given);
    expect(copy['self']).toBe(copy);
    expect(copy['a']).toBe(copy['b']);
    expect(copy['a']).not.toBe(shared);
    let deep: unknown[] = [];
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(copyOf(deep) === deep).toBe(false);
  });

  it('names no prototype', () => {
    const copy = copyOf(JSON.parse('{"__proto__":{"polluted":[1]}}') as Record<string, unknown>);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect(copy['polluted']).toBeUndefined();
  });
});
