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

  it.each([[['--draft-max', '4'], '--lookup'], [['--lookup', '--draft-max', '0'], 'draft-max']])(
    'refuses %j', async (flags, named) => {
      const { code, stderr } = await cli(['run', 'Hi', ...flags]);
      expect(code).toBe(2);
      expect(stderr).toContain(named);
    });
});
