// The IQ tables: sizes, value ranges and the parity of the sign patterns, which a wrong unpacking would break.
import { describe, expect, it } from 'vitest';
import * as grids from '../../src/quant/iq-grids.ts';

const tables = [
  { name: 'IQ1_S_GRID', points: 2048, width: 8, levels: [-1, 0, 1] },
  { name: 'IQ2_XXS_GRID', points: 256, width: 8, levels: [8, 25, 43] },
  { name: 'IQ2_XS_GRID', points: 512, width: 8, levels: [8, 25, 43] },
  { name: 'IQ2_S_GRID', points: 1024, width: 8, levels: [8, 25, 43] },
  { name: 'IQ3_XXS_GRID', points: 256, width: 4, levels: [4, 12, 20, 28, 36, 44, 52, 62] },
  { name: 'IQ3_S_GRID', points: 512, width: 4, levels: [1, 3, 5, 7, 9, 11, 13, 15] },
] as const;

describe.each(tables)('$name', ({ name, points, width, levels }) => {
  const grid = grids[name];

  it(`has ${points} different points of ${width} values`, () => {
    expect(grid).toHaveLength(points * width);
    const seen = new Set(Array.from({ length: points }, (_, p) => grid.subarray(p * width, (p + 1) * width).join()));
    expect(seen.size).toBe(points);
  });

  it('uses exactly its levels', () => {
    expect([...new Set<number>(grid)].sort((a, b) => a - b)).toEqual(levels);
  });
});

describe('EVEN_SIGNS', () => {
  it('keeps the seven bits and makes the number of signs even', () => {
    grids.EVEN_SIGNS.forEach((signs, index) => {
      expect(signs & 127).toBe(index);
      expect([...signs.toString(2)].filter((digit) => digit === '1').length % 2).toBe(0);
    });
  });
});
