// The contract suite: every operation of backend.ts on one backend against float64, and many threads against one.
import { describe, expect, it } from 'vitest';
import { ATTENTION_CASES } from './contract/attention.ts';
import { ELEMENTWISE_CASES } from './contract/elementwise.ts';
import { EXPERT_CASES } from './contract/experts.ts';
import { MATMUL_CASES } from './contract/matmul.ts';
import { NORM_ROPE_CASES } from './contract/norm-rope.ts';
import { RECURRENT_CASES } from './contract/recurrent.ts';
import type { Rows } from './bench.ts';
import { runCase } from './run-case.ts';
import type { BackendUnderTest, ContractCase, Outcome, Tolerance } from './run-case.ts';

const CONTRACT: Readonly<Record<string, readonly ContractCase[]>> = {
  'elementwise operations': ELEMENTWISE_CASES,
  'norms and rope': NORM_ROPE_CASES,
  'products with weights': MATMUL_CASES,
  'keys, values and attention': ATTENTION_CASES,
  'mixture of experts': EXPERT_CASES,
  'recurrent layers': RECURRENT_CASES,
};

/** The first float of `actual` that is too far from `expected`, in words. */
function firstDifference(
  actual: Rows, expected: Rows, { relative = 0, absolute = 0 }: Tolerance,
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} rows instead of ${expected.length}`;
  for (const [r, row] of expected.entries()) {
    for (const [c, wanted] of row.entries()) {
      const value = actual[r][c];
      const isRight = Number.isFinite(wanted) && Number.isFinite(Math.fround(wanted))
        ? Math.abs(value - wanted) <= absolute + relative * Math.abs(wanted)
        : Object.is(value, Math.fround(wanted));
      if (!isRight) return `[${r}][${c}] is ${value} instead of ${wanted}`;
    }
  }
  return undefined;
}

function check({ prepared, matrices, indices, strayWrites }: Outcome, roundsActivations: boolean): void {
  prepared.matrices.forEach((expected, i) => {
    const tolerance = (roundsActivations ? expected.quantized?.() : undefined) ?? expected;
    expect(firstDifference(matrices[i], expected.rows(), tolerance)).toBeUndefined();
  });
  expect(indices).toEqual((prepared.indices ?? []).map(({ values }) => values));
  expect(strayWrites).toBe(0);
}

export function testBackend(backend: BackendUnderTest): void {
  const { build, numThreads, orders } = backend;
  describe.each(Object.keys(CONTRACT))(`${backend.name}: %s`, (group) => {
    it.each(CONTRACT[group])('$name', (contractCase) => {
      const [first, ...others] = orders.map((order) => runCase(contractCase, backend, order));
      check(first, build !== undefined);
      if (numThreads === 1) return;
      // In every order, and as with one thread: the same bits.
      const alone = runCase(contractCase, { ...backend, numThreads: 1 }, [0]);
      for (const { matrices, indices, strayWrites } of [...others, alone]) {
        expect(matrices).toEqual(first.matrices);
        expect(indices).toEqual(first.indices);
        expect(strayWrites).toBe(0);
      }
    });
  });
}
