// How many log-probabilities an answer that is gathered may come to.
import { describe, expect, it } from 'vitest';
import { refuseTooMany } from '../../src/serve/openai/logprobs.ts';
import type { Served } from '../../src/serve/requests/exchange.ts';

const serving = (contextLength: number, contextPolicy?: 'slide'): Pick<Served, 'engine' | 'contextPolicy'> =>
  ({ engine: { model: { contextLength } } as Served['engine'], contextPolicy });
const refused = (given: Parameters<typeof refuseTooMany>[0], numChoices: number, maxTokens: number | undefined, others: number | undefined): boolean => {
  try {
    refuseTooMany(given, { numChoices, maxTokens, others, field: 'max_tokens' });
    return false;
  } catch (error) {
    expect(error).toMatchObject({ status: 400, details: { param: 'max_tokens', code: 'too_many_logprobs' } });
    return true;
  }
};

describe('log-probabilities of a whole answer', () => {
  it('have a limit, for all choices together', () => {
    const large = serving(100_000);
    const answers = [refused(large, 1, 6241, 20), refused(large, 1, 6242, 20), refused(large, 16, 391, 20), refused(large, 16, 390, 20)];
    expect(answers).toEqual([false, true, true, false]);
    expect([refused(large, 64, 100_000, undefined), refused(large, 1, undefined, 0), refused(large, 1, undefined, 1)]).toEqual([false, false, true]);
  });

  it('end with the context, unless that slides', () => {
    expect([refused(serving(500), 1, 100_000, 20), refused(serving(500, 'slide'), 1, 100_000, 20), refused(serving(500, 'slide'), 1, undefined, 20)]).toEqual([false, true, false]);
  });
});
