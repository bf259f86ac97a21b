// f16 and bf16 conversions: every 16-bit pattern, and rounding checked against exact distances.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bf16ToFloat, floatToBf16, floatToHalf, halfToFloat, readHalf, writeHalf } from '../../src/quant/half.ts';

/** The pattern nearest to `value` (finite, non-negative) among all that `toFloat` decodes, ties to the even one. */
function nearestPattern(value: number, toFloat: (bits: number) => number, top: number): number {
  let low = 0;
  let high = top;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (toFloat(middle) <= value) low = middle;
    else high = middle;
  }
  const below = value - toFloat(low);
  const above = toFloat(high) - value;
  if (below === above) return low % 2 === 0 ? low : high;
  return below < above ? low : high;
}

const formats = [
  { name: 'f16', toFloat: halfToFloat, fromFloat: floatToHalf, infinity: 0x7c00, largest: 65504 },
  { name: 'bf16', toFloat: bf16ToFloat, fromFloat: floatToBf16, infinity: 0x7f80, largest: 0xff * 2 ** 120 },
];

describe.each(formats)('$name', ({ toFloat, fromFloat, infinity, largest }) => {
  it('round-trips every pattern', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = toFloat(bits);
      if (Number.isNaN(value)) expect(toFloat(fromFloat(value))).toBeNaN();
      else if (fromFloat(value) !== bits) expect.unreachable(`${bits} reads ${value} and writes ${fromFloat(value)}`);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: -largest, max: largest }), (value) => {
      const expected = nearestPattern(Math.abs(value), toFloat, infinity - 1);
      expect(fromFloat(value)).toBe(expected | (Object.is(value, -0) || value < 0 ? 0x8000 : 0));
    }), { numRuns: 5000 });
  });

  it('rounds halfway points between neighbours to even', () => {
    for (let bits = 0; bits < infinity - 1; bits++) {
      const middle = (toFloat(bits) + toFloat(bits + 1)) / 2;
      if (Math.fround(middle) !== middle) continue;
      const even = bits % 2 === 0 ? bits : bits + 1;
      if (fromFloat(middle) !== even) expect.unreachable(`halfway above ${bits} became ${fromFloat(middle)}`);
    }
  });

  it('keeps infinities and signed zeros', () => {
    expect(fromFloat(Infinity)).toBe(infinity);
    expect(fromFloat(-Infinity)).toBe(infinity | 0x8000);
    expect(toFloat(infinity | 0x8000)).toBe(-Infinity);
    expect(fromFloat(-0)).toBe(0x8000);
    expect(toFloat(0x8000)).toBe(-0);
  });
});

describe('f16 in bytes', () => {
  it('overflows to infinity halfway above the largest value', () => {
    expect(floatToHalf(65519.99)).toBe(0x7bff);
    expect(floatToHalf(65520)).toBe(0x7c00);
  });

  it('is little-endian and says what was stored', () => {
    const bytes = new Uint8Array(3);
    expect(writeHalf(bytes, 1, 0.1)).toBe(0.0999755859375);
    expect([...bytes]).toEqual([0, 0x66, 0x2e]);
    expect(readHalf(bytes, 1)).toBe(0.0999755859375);
  });
});
