// What the contract said in a runtime, kept for the README's table (scripts/runtime-matrix.mjs) and compared with it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { CONTRACT } from '../contract/run.ts';
import { FEATURES } from '../contract/contract.ts';
import type { Outcome } from '../contract/contract.ts';
import { inRepository } from '../support/fixtures.ts';
import { matrixColumn } from './readme-tables.ts';
import { OWN_RUNTIME } from './runtimes.ts';

/** The column of Node where a version of it that has none runs the tests. */
const ANY_NODE = 'Node 20';

/** By feature: whether all its tests passed, or all of them showed that it is not there. */
function cellsOf(outcomes: readonly Outcome[]): Record<string, string> {
  return Object.fromEntries(FEATURES.map((feature) => {
    const statuses = new Set(outcomes.filter((outcome) => outcome.feature === feature).map(({ status }) => status));
    if (statuses.size !== 1) return [feature, 'fails'];
    return [feature, statuses.has('passed') ? 'yes' : statuses.has('lacking') ? 'no' : 'fails'];
  }));
}

/** Every test passed or showed that what it is for is lacking, with a reason, and the README says the same. */
export function expectContract(runtime: string, version: string, outcomes: readonly Outcome[]): void {
  const cells = cellsOf(outcomes);
  mkdirSync(inRepository('build/contract'), { recursive: true });
  writeFileSync(inRepository('build/contract', `${runtime}.json`), JSON.stringify({ runtime, version, cells, outcomes }, undefined, 1));
  expect(outcomes.map(({ name }) => name)).toEqual(CONTRACT.map(({ name }) => name));
  const failed = outcomes.filter(({ status }) => status === 'failed').map(({ name, reason }) => `${name}: ${reason}`);
  expect(failed.join('\n')).toBe('');
  for (const { status, reason } of outcomes) if (status === 'lacking') expect(reason).toMatch(/\w{3}/);
  const column = matrixColumn(runtime) ?? (runtime === OWN_RUNTIME.name ? matrixColumn(ANY_NODE) : undefined);
  expect(column, `The README has no column for ${runtime}. Renew it: node scripts/runtime-matrix.mjs`).toEqual(cells);
}
