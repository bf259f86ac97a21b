// When the search for the highest products is tried, given up and tried again.
import { describe, expect, it } from 'vitest';
import { MAX_KNOWN } from '../../src/backends/wasm/known-columns.ts';
import { SearchPolicy } from '../../src/backends/wasm/search-policy.ts';

const NEW = { norm: 1, rest: 0.5 }, KNOWN = { norm: 1, rest: 0.05 };

/** How many products follow without a search. */
function plainProducts(policy: SearchPolicy, share: number, numKnown: number): number {
  let count = 0;
  for (let last = share; policy.givesUp(last, numKnown); last = 0) count++;
  return count;
}

describe('SearchPolicy', () => {
  it('keeps the first columns, then those of searches that computed much, and never what is made of known ones', () => {
    const policy = new SearchPolicy();
    for (let numKnown = 0; numKnown < 4; numKnown++) expect(policy.keeps(NEW, 0, numKnown)).toBe(true);
    expect(policy.keeps(NEW, 0.01, 4)).toBe(false);
    expect(policy.keeps(NEW, 0.2, 4)).toBe(true);
    expect(policy.keeps(KNOWN, 0.2, 4)).toBe(false);
    expect(policy.keeps(KNOWN, 0, 0)).toBe(false);
  });

  it('keeps no column of zeros or of what are no numbers', () => {
    for (const norm of [0, NaN, Infinity]) expect(new SearchPolicy().keeps({ norm, rest: norm }, 0, 0)).toBe(false);
  });

  it('replaces a column only some products after the last', () => {
    const policy = new SearchPolicy();
    expect(policy.keeps(NEW, 0.2, MAX_KNOWN)).toBe(false);
    for (let i = 0; i < 9; i++) policy.givesUp(0, MAX_KNOWN);
    expect(policy.keeps(NEW, 0.2, MAX_KNOWN)).toBe(true);
    expect(policy.keeps(NEW, 0.2, MAX_KNOWN)).toBe(false);
  });

  it('gives up for longer and longer where searches keep computing much, and less long once they pay', () => {
    const policy = new SearchPolicy();
    const failing = Array.from({ length: 40 }, () => plainProducts(policy, 0.5, MAX_KNOWN)).filter((count) => count > 0);
    expect(failing.slice(0, 7)).toEqual([2, 4, 8, 16, 32, 64, 64]);
    for (let i = 0; i < 40; i++) expect(plainProducts(policy, 0.01, MAX_KNOWN)).toBe(0);
    expect(plainProducts(policy, 0.5, MAX_KNOWN)).toBe(2);
  });

  it('goes on while columns are still being added, unless what comes is made of them already', () => {
    const policy = new SearchPolicy();
    policy.keeps(NEW, 0.5, 5);
    expect(plainProducts(policy, 0.9, 5)).toBe(0);
    policy.keeps(KNOWN, 0.5, 5);
    expect(plainProducts(policy, 0.9, 5)).toBe(2);
  });
});
