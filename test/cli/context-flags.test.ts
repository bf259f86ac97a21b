// Flags about context and memory: they reach the load, the plan and every request.
import { describe, expect, it } from 'vitest';
import { ropeScaling } from '../../src/cli/rope-option.ts';
import { Engine, InvalidArgumentError } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { cli } from './surroundings.ts';

const model = inRepository('test/data/arch/qwen2.gguf');
const FLAGS = ['--rope-scaling', 'linear:2', '--rope-theta', '50000', '--max-sequences', '3', '--max-memory', '64MiB', '--kv', 'auto'];
const LOAD = {
  ropeScaling: { type: 'linear', factor: 2 }, ropeTheta: 50_000, maxSequences: 3, maxMemory: 64 * 2 ** 20, kvType: 'auto',
} as const;

describe('flags of context and memory', () => {
  it.each<[string, unknown]>([
    ['none', 'none'], ['linear:2', LOAD.ropeScaling], ['yarn:1.5', { type: 'yarn', factor: 1.5 }],
    ['yarn:4:8192', { type: 'yarn', factor: 4, originalContextLength: 8192 }],
  ])('read --rope-scaling %s', (text, scaling) => {
    expect(ropeScaling.parse([text])).toEqual(scaling);
  });

  it.each(['', 'yarn', 'yarn:', 'yarn:0.5', 'linear:2:8192', 'yarn:4:0', 'yarn:1e3', 'None', 'yarn:4:8192:1'])('refuse --rope-scaling %j', (text) => {
    expect(() => ropeScaling.parse([text])).toThrow(InvalidArgumentError);
  });

  it('are those of a plan', async () => {
    const args = ['inspect', model, '--plan', '--json', '-t', '1', '-c', '256', ...FLAGS];
    expect((await cli(args)).json()).toEqual(await Engine.plan(model, { threads: 1, contextLength: 256, ...LOAD }));
  });

  it.each(['run', 'chat'])('reach %s, which can slide', async (command) => {
    const words = command === 'run' ? ['Hi'] : [];
    const { calls } = await cli([command, ...words, ...FLAGS, '--context-policy', 'slide'], { input: 'Hi\n' });
    expect(calls.options[0]).toMatchObject({ contextPolicy: 'slide' });
    expect(calls.loadOptions[0]).toMatchObject(LOAD);
  });
});
