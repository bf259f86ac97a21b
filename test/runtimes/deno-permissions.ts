// The least permissions that Deno needs, as the README's commands name them.
import { readFileSync } from 'node:fs';
import { inRepository } from '../support/fixtures.ts';

const README = readFileSync(inRepository('README.md'), 'utf8');

/** For a model in the cache: flags, with `$HOME` as it is written there. */
export const CACHE_PERMISSIONS: readonly string[] =
  /^deno run (--allow-read=\S+ --allow-env=\S+) main\.mjs$/m.exec(README)![1]!.split(' ');

/** The variables among them. */
export const DOWNLOAD_ENVIRONMENT: readonly string[] = /--allow-env=([A-Z_,]+)/.exec(CACHE_PERMISSIONS.join(' '))![1]!.split(',');
