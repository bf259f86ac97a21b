// A model that is loaded and disposed of again and again takes no more memory at the end; `npm run test:memory` does so 100 times.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { realModel } from '../support/real-models.ts';

const path = await realModel('smollm2');

describe.skipIf(path === undefined)('rounds of load, generate and dispose', () => {
  it('give a model’s memory back each time, without waiting for anything', async () => {
    const args = [inRepository('scripts/dispose-rounds.mjs'), path!, '--rounds', '7', '--growth', '0.15', '--json'];
    // Fails where it grows by more.
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { samples } = JSON.parse(stdout) as { samples: number[] };
    // The model has 98 MB: one that stayed would show.
    expect(Math.max(...samples.slice(3)) - samples[2]!).toBeLessThan(50e6);
  });
});
