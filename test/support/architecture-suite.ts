// Every reference case against one backend: logits or embeddings of all positions, greedy text, and the invariants of
// batching. A backend runs it by calling `testArchitectures`.
import { describe, expect, it } from 'vitest';
import type { ArchitectureCase } from './architecture-cases.ts';
import { ARCHITECTURE_CASES, caseFile } from './architecture-cases.ts';
import { argmax, cosineGap, relativeRms } from './closeness.ts';
import { matrixRow, readNpy } from './npy.ts';
import type { BackendFactory, OpenOptions, TestModel, TestRow } from './run-model.ts';
import { openModel } from './run-model.ts';

export interface SuiteOptions {
  /** Backends that compute in float from dequantized weights land under `exact`; others under `pass`. */
  readonly grade?: (testCase: ArchitectureCase) => 'exact' | 'pass';
  /** Largest relative rms between ways of batching the same rows (products may sum in another order). */
  readonly batchingTolerance?: number;
}

const rowsOf = (ids: readonly number[], first = 0, sequence = 0): TestRow[] =>
  ids.map((token, index) => ({ sequence, position: first + index, token }));

export function testArchitectures(name: string, createBackend: BackendFactory, options: SuiteOptions = {}): void {
  const { grade = () => 'exact', batchingTolerance = 1e-5 } = options;
  describe.each(ARCHITECTURE_CASES)(`${name}: $name ($feature)`, (testCase) => {
    const limits = { contextLength: testCase.n_ctx };
    const open: Open = (more) => openModel(caseFile(testCase.file), createBackend, { limits, ...more });

    it('agrees with the float64 reference at every position', async () => {
      const reference = readNpy(caseFile(testCase.f64));
      const results = (await open()).forward(rowsOf(testCase.ids)).slice(-reference.rows);
      const limit = grade(testCase) === 'exact' ? testCase.tol.rms_exact : testCase.tol.rms_pass;
      const errors = results.map((result, row) => relativeRms(result, matrixRow(reference, row)));
      expect(results).toHaveLength(reference.rows);
      expect(Math.max(...errors)).toBeLessThanOrEqual(limit);
    });

    if (testCase.kind === 'embedding') testEmbedding(testCase, open);
    else testDecoding(testCase, open, batchingTolerance, grade(testCase) === 'exact' ? 5e-3 : testCase.tol.rms_pass);
  });
}

type Open = (more?: OpenOptions) => Promise<TestModel>;

function testDecoding(testCase: ArchitectureCase, open: Open, tolerance: number, halfTolerance: number): void {
  const { ids } = testCase;

  it('continues greedily like the reference, up to near ties', async () => {
    const model = await open();
    let logits = model.forward(rowsOf(ids)).at(-1)!;
    for (const [step, expected] of testCase.greedy.entries()) {
      const token = argmax(logits);
      if (token !== expected) {
        expect(testCase.greedy_margin[step]).toBeLessThan(testCase.tol.greedy_margin);
        return;
      }
      [logits] = model.forward(rowsOf([token], ids.length + step));
    }
  });

  it.each(['f32', 'i16', 'q8_0', 'q4_0'] as const)('says the same in chunks, one by one and all at once (%s cache)', async (kvType) => {
    const model = await open({ kvType });
    const whole = model.forward(rowsOf(ids)).at(-1)!;
    for (const chunkSize of [1, 7]) {
      let last = whole;
      for (let first = 0; first < ids.length; first += chunkSize) {
        last = model.forward(rowsOf(ids.slice(first, first + chunkSize), first)).at(-1)!;
      }
      expect(relativeRms(last, whole)).toBeLessThanOrEqual(tolerance);
    }
  });

  it('keeps two sequences of one batch apart, and answers wanted rows only', async () => {
    const other = [...ids].reverse().slice(0, 9);
    const [alone, otherAlone] = await Promise.all([open(), open()]);
    const expected = alone.forward(rowsOf(ids)).at(-1)!;
    const otherExpected = otherAlone.forward(rowsOf(other)).at(-1)!;
    const both = await open({ maxSequences: 2 });
    const half = Math.floor(ids.length / 2);
    both.forward([...rowsOf(ids.slice(0, half), 0, 1), ...rowsOf(other.slice(0, 4), 0, 0)]);
    const rest = [...rowsOf(other.slice(4), 4, 0), ...rowsOf(ids.slice(half), half, 1)];
    const wanted = new Set([other.length - 5, rest.length - 1]);
    const results = both.forward(rest.map((row, index) => ({ ...row, output: wanted.has(index) })));
    expect(results).toHaveLength(2);
    expect(relativeRms(results[0], otherExpected)).toBeLessThanOrEqual(tolerance);
    expect(relativeRms(results[1], expected)).toBeLessThanOrEqual(tolerance);
  });

  it.each(['f16', 'i16', 'q8_0'] as const)('differs little with a cache of %s', async (kvType) => {
    const [exact, stored] = [await open(), await open({ kvType })];
    const expected = exact.forward(rowsOf(ids)).at(-1)!;
    const error = relativeRms(stored.forward(rowsOf(ids)).at(-1)!, expected);
    // Half a step of 8-bit codes is 16 times that of half precision's 11 bits at the same size.
    expect(error).toBeLessThan(kvType === 'q8_0' ? 16 * halfTolerance : halfTolerance);
    const hasCache = exact.config.numKvHeads.some((count) => count > 0);
    expect(error > 0).toBe(hasCache);
  });
}

function testEmbedding(testCase: ArchitectureCase, open: Open): void {
  it('pools to the reference embedding', async () => {
    const model = await open();
    const reference = readNpy(caseFile(testCase.f64));
    const expected = Array.from({ length: reference.rows }, (_, row) => matrixRow(reference, row));
    const gap = cosineGap(
      pool(model.forward(rowsOf(testCase.ids)), testCase.pooling), pool(expected, testCase.pooling),
    );
    expect(gap).toBeLessThanOrEqual(1e-6);
  });

  it('keeps two texts of one batch apart', async () => {
    const other = [...testCase.ids].reverse().slice(0, 9);
    const [alone, otherAlone, both] = [await open(), await open(), await open({ maxSequences: 2 })];
    const expected = [...otherAlone.forward(rowsOf(other)), ...alone.forward(rowsOf(testCase.ids))];
    const results = both.forward([...rowsOf(other, 0, 1), ...rowsOf(testCase.ids, 0, 0)]);
    const errors = results.map((result, row) => relativeRms(result, expected[row]));
    expect(Math.max(...errors)).toBeLessThanOrEqual(1e-5);
  });
}

function pool(rows: readonly ArrayLike<number>[], pooling: ArchitectureCase['pooling']): ArrayLike<number> {
  if (pooling === 'cls') return rows[0];
  if (pooling === 'last') return rows[rows.length - 1];
  return Float64Array.from(rows[0], (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
}
