// The kernel tests once more in a runtime that has the instruction of the `dot` build right, which Node 20 has not.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { RUNTIMES } from './runtimes.ts';

const runtime = RUNTIMES.find(({ name }) => name === 'Node 26');

describe.skipIf(!runtime)('the dot kernels in Node 26', () => {
  it('agree with their twins', { timeout: 300_000 }, () => {
    const { file } = runtime!.command('', []);
    const args = [inRepository('node_modules/vitest/vitest.mjs'), 'run', 'test/kernels/matmul.test.ts', '--reporter=json', '--silent'];
    const output = execFileSync(file, args, { cwd: inRepository('.'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const { testResults } = JSON.parse(output) as { testResults: { assertionResults: { fullName: string; status: string }[] }[] };
    const ofDot = testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ fullName }) => fullName.includes('dot'));
    expect(ofDot.length).toBeGreaterThan(10);
    expect(ofDot.filter(({ status }) => status === 'failed')).toEqual([]);
  });
});
