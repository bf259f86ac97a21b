// What the flags of speculative decoding ask of the engine, and what is said about it.
import { describe, expect, it } from 'vitest';
import { cli } from './surroundings.ts';

describe('--lookup', () => {
  it('asks for lookup, and says in JSON what it was good for', async () => {
    const { json, calls } = await cli(['run', 'Hi', '--json', '--lookup', '--draft-max', '5']);
    expect(calls.options[0]!.speculation).toEqual({ lookup: { maxDraft: 5 } });
    expect(json<{ timings: object }>().timings).toMatchObject({ draftTokens: 0, acceptedDraftTokens: 0 });
  });

  it('is off unless asked for', async () => {
    const { json, calls } = await cli(['run', 'Hi', '--json']);
    expect(calls.options[0]!.speculation).toBeUndefined();
    expect(json<{ timings: object }>().timings).not.toHaveProperty('draftTokens');
  });

  it('is there in a conversation too', async () => {
    const { calls } = await cli(['chat', '--lookup'], { input: 'Hi\n' });
    expect(calls.options[0]!.speculation).toEqual({ lookup: { maxDraft: undefined } });
  });

  it('loads the draft model and says how to use it', async () => {
    const { calls } = await cli(['run', 'Hi', '--draft-model', 'small.gguf', '--draft-max', '4', '--draft-min-p', '0.7']);
    expect(calls.options[0]!.speculation).toEqual({ draft: { maxDraft: 4, minProbability: 0.7 } });
    expect(calls.loadOptions[0]).toMatchObject({ draftModel: 'small.gguf' });
  });

  it.each([
    [['--draft-max', '4'], '--lookup'], [['--lookup', '--draft-min-p', '0.5'], '--draft-model'],
    [['--lookup', '--draft-max', '0'], 'draft-max'],
  ])(
    'refuses %j', async (flags, named) => {
      const { code, stderr } = await cli(['run', 'Hi', ...flags]);
      expect(code).toBe(2);
      expect(stderr).toContain(named);
    });
});
