// The reference cases of tiny random models: the committed ones, or all of them where the shared folder is there.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fixture, fixturesDir, inRepository } from './fixtures.ts';

export interface ArchitectureCase {
  readonly name: string;
  readonly file: string;
  readonly tier: 'required' | 'optional';
  readonly arch: string;
  readonly feature: string;
  readonly weights: string;
  readonly kind: 'logits' | 'embedding';
  readonly n_ctx: number;
  readonly ids: readonly number[];
  /** Float64 results of every position (or of the last one only). */
  readonly f64: string;
  readonly greedy: readonly number[];
  readonly greedy_margin: readonly number[];
  readonly pooling?: 'mean' | 'cls' | 'last' | 'none';
  readonly tol: {
    readonly rms_exact: number; readonly rms_pass: number; readonly greedy_margin: number;
    readonly cosgap_pass?: number;
  };
}

const folder = fixturesDir() ? fixture('arch') : inRepository('test/data/arch');

export const ARCHITECTURE_CASES: readonly ArchitectureCase[] =
  JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')).cases;

/** Whether the case is among the committed ones, or the whole set is there. */
export function hasCase(name: string): boolean {
  return existsSync(caseFile(`${name}.gguf`));
}

export function caseFile(name: string): string {
  return path.join(folder, name);
}
