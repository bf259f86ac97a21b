// The baseline kernels' logits as one hash: node scripts/logits-hash.mjs printed it in Node 20.20, Node 26.10, Deno 2.9.6 and
// Bun 1.4.5 (x86-64). It says nothing about correctness, which test/architectures settles: only that nothing depends on the
// runtime. A change of kernels changes it; then it is to be printed in all four again.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';

const HASH = 'b79f7cf69b28c260069467a7d8727841bfd3e9eacde8023793641408dc7cda7a';

it('has the same bits in every runtime', () => {
  const printed = execFileSync(process.execPath, [inRepository('scripts/logits-hash.mjs')], { encoding: 'utf8' });
  expect(printed.trim()).toBe(HASH);
}, 60_000);
