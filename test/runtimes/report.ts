// What the contract said in a runtime, kept for the README's table (scripts/runtime-matrix.mjs) and compared with it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { CONTRACT } from '../contract/run.ts';
import { FEATURES } from '../contract/contract.ts';
import type { Outcome } from '../contract/contract.ts';
import { inRepository } from '../support/fixtures.ts';
import { matrixColumn } from './readme-tables.ts';

/** By feature: whether all its tests passed, or that they were skipped. */
export function cellsOf(outcomes: readonly Outcome[]): Record<string, string> {
  return Object.fromEntries(FEATURES.map((feature) => {
    const all = outcomes.filter((outcome) => outcome.feature === feature);
    if (all.some(({ status }) => status === 'failed')) return [feature, 'fails'];
    return [feature, all.length > 0 && all.every(({ status }) => status === 'passed') ? 'yes' : 'no'];
  }));
}

/** Every test ran or was skipped with a reason, none failed, and the README says the same. */
export function expectContract(runtime: string, version: string, outcomes: readonly Outcome[]): void {
  mkdirSync(inRepository('build/contract'), { recursive: true });
  writeFileSync(inRepository('build/contract', `${runtime}.json`), JSON.stringify({ runtime, version, outcomes }, undefined, 1));
  expect(outcomes.map(({ name }) => name)).toEqual(CONTRACT.map(({ name }) => name));
  const failed = outcomes.filter(({ status }) => status === 'failed').map(({ name, reason }) => `${name}: ${reason}`);
  expect(failed.join('\n')).toBe('');
  for (const { status, reason } of outcomes) if (status === 'skipped') expect(reason).toMatch(/\w{3}/);
  // Node's own column stands for each version of it.
  const column = matrixColumn(runtime);
  if (Object.values(column).every((cell) => cell === undefined)) return;
  expect(cellsOf(outcomes)).toEqual(column);
}
