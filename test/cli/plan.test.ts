// clawdbot inspect --plan: the numbers of Engine.plan, for people and for programs.
import { describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { cli } from './surroundings.ts';

const model = inRepository('test/data/arch/qwen2.gguf');

describe('inspect --plan', () => {
  it('prints the plan, with --json as the API has it', async () => {
    const plan = await Engine.plan(model, { threads: 1, contextLength: 128, kvType: 'q8_0' });
    const args = ['inspect', model, '--plan', '-t', '1', '-c', '128', '--kv', 'q8_0'];
    expect((await cli([...args, '--json'])).json()).toEqual(plan);
    const { stdout, code } = await cli(args);
    expect(code).toBe(0);
    expect(stdout).toContain(`${plan.largestContextLength} tokens of q8_0 fit, one at a time (trained for ${plan.trainedContextLength})`);
    expect(stdout).toMatch(/keys and values +q8_0, /);
  });

  it('fails where nothing fits, and says what would', async () => {
    const { code, stderr } = await cli(['inspect', model, '--plan', '-c', '1000000', '--max-memory', '8MiB']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/--context of \d+ would fit/);
  });
});
