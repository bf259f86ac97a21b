// Builds the package once before the suite: worker and CLI tests run what users run.
import { execFileSync } from 'node:child_process';
import { inRepository } from './fixtures.ts';

export default function setup(): void {
  execFileSync(process.execPath, [inRepository('scripts/build.mjs'), '--quiet'], { stdio: 'inherit' });
}
