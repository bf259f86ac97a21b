// Builds the package once before the suite: worker and CLI tests run what users run.
import { execFileSync } from 'node:child_process';
import { inRepository } from './fixtures.ts';

export default function setup(): void {
  try { execFileSync(process.execPath, [inRepository('scripts/build.mjs'), '--quiet'], { stdio: 'pipe' }); } catch (e) { console.warn('build incomplete while parts are missing:', String(e).slice(0, 300)); }
}
