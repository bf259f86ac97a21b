// The addresses of the fixed tables are written down twice, for the kernels and for the backend: they must agree.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ARENA_BASE, TABLES } from '../../src/backends/wasm/memory-map.ts';
import { inRepository } from '../support/fixtures.ts';

it('kernels and backend place the same tables at the same addresses', () => {
  const source = readFileSync(inRepository('assembly/memory-map.ts'), 'utf8');
  const constants = source.matchAll(/export const (\w+): usize = (\d+);/g);
  const kernels = [...constants].map(([, name, ptr]) => [name, Number(ptr)]);
  expect(kernels.length).toBeGreaterThan(10);
  expect(TABLES.map(([name, ptr]) => [name, ptr])).toEqual(kernels);
});

it('no table reaches into another or into what is allocated', () => {
  const ranges = TABLES.map(([name, ptr, data]) => ({ name, ptr, end: ptr + data.byteLength }));
  ranges.sort((a, b) => a.ptr - b.ptr);
  ranges.push({ name: 'what is allocated', ptr: ARENA_BASE, end: ARENA_BASE });
  for (let i = 0; i + 1 < ranges.length; i++) {
    expect(ranges[i].end, `${ranges[i].name} before ${ranges[i + 1].name}`).toBeLessThanOrEqual(ranges[i + 1].ptr);
  }
});
