// Finds the shared reference data that lies beside the checkout; a fresh clone without it skips what needs it, by name.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repositoryRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The reference data folder (`CLAWDBOT_FIXTURES`, or `../shared/fixtures` beside the checkout), or undefined. */
export function fixturesDir(): string | undefined {
  const candidates = [process.env['CLAWDBOT_FIXTURES'], path.join(repositoryRoot, '../shared/fixtures')];
  return candidates.find((dir): dir is string => dir !== undefined && existsSync(path.join(dir, 'README.md')));
}

/** A path below the reference data; only call where `fixturesDir()` is defined. */
export function fixture(...parts: string[]): string {
  const dir = fixturesDir();
  if (!dir) throw new Error('Reference data is not available here.');
  return path.join(dir, ...parts);
}

/** A path below the repository root. */
export function inRepository(...parts: string[]): string {
  return path.join(repositoryRoot, ...parts);
}
