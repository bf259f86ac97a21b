// Every option outside what is allowed is refused by name, before any work is done.
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { SAMPLING_DEFAULTS, samplingOptions } from '../../src/engine/sampler/options.ts';
import type { SamplingOptions } from '../../src/engine/sampler/options.ts';

const VOCAB = 500;
const check = (options: unknown): SamplingOptions => samplingOptions(options as SamplingOptions, VOCAB, ['maxTokens']);

/** The smallest and greatest values allowed, and values just outside. */
const NUMBERS: Readonly<Record<string, { good: readonly number[]; bad: readonly number[]; whole?: boolean }>> = {
  temperature: { good: [0, 1e-300, 100], bad: [-1e-9, 100.001] },
  topK: { good: [0, 1, 1e9], bad: [-1, 2e9], whole: true },
  topP: { good: [1e-300, 1], bad: [0, -0.1, 1.0001] },
  minP: { good: [0, 1], bad: [-0.1, 1.0001] },
  typicalP: { good: [1e-300, 1], bad: [0, 1.0001] },
  xtcProbability: { good: [0, 1], bad: [-0.1, 1.1] },
  xtcThreshold: { good: [0, 1], bad: [-0.1, 1.1] },
  dryMultiplier: { good: [0, 100], bad: [-0.1, 101] },
  dryBase: { good: [1, 100], bad: [0.99, 101] },
  dryAllowedLength: { good: [1, 1000], bad: [0, -1], whole: true },
  dryPenaltyLastN: { good: [-1, 0, 1e9], bad: [-2], whole: true },
  mirostat: { good: [0, 2], bad: [1, -1, 3], whole: true },
  mirostatTau: { good: [0.1, 100], bad: [0, 101] },
  mirostatEta: { good: [0.1, 1], bad: [0, 1.1] },
  repetitionPenalty: { good: [0.01, 1, 100], bad: [0, -1, 101] },
  presencePenalty: { good: [-100, 100], bad: [-101, 101] },
  frequencyPenalty: { good: [-100, 100], bad: [-101, 101] },
  penaltyLastN: { good: [-1, 0, 64], bad: [-2], whole: true },
  seed: { good: [0, 2 ** 32 - 1], bad: [-1, 2 ** 32], whole: true },
  logprobs: { good: [0, VOCAB], bad: [-1, VOCAB + 1], whole: true },
};

describe('numbers', () => {
  it('are all tried here', () => {
    const listed = [...Object.keys(NUMBERS), 'logitBias', 'drySequenceBreakers'];
    expect(Object.keys(SAMPLING_DEFAULTS).filter((name) => !listed.includes(name))).toEqual([]);
  });

  it.each(Object.entries(NUMBERS))('%s', (name, { good, bad, whole }) => {
    for (const value of good) expect(check({ [name]: value })).toEqual({ [name]: value });
    const never = [NaN, Infinity, -Infinity, '1', null, true, {}, [1], 1n, () => 1];
    const wrong = [...bad, ...(whole ? [0.5, 1e300] : []), ...never];
    for (const value of wrong) {
      expect(() => check({ [name]: value }), String(value)).toThrow(InvalidArgumentError);
      expect(() => check({ [name]: value })).toThrow(name);
    }
  });

  it('say what is allowed and what was given', () => {
    expect(() => check({ topP: 0 })).toThrow('topP must be a number above 0 to 1, not 0.');
    expect(() => check({ topK: '5' })).toThrow('topK must be a whole number from 0 to 1000000000, not "5".');
    expect(() => check({ logprobs: 501 })).toThrow(/logprobs.*500.*501/);
    expect(() => samplingOptions({ logprobs: 1001 }, 1e6)).toThrow(/logprobs.*1000.*1001/);
  });

  it('may be left out or undefined', () => {
    expect(check({})).toEqual({});
    expect(check({ topK: undefined, foo: undefined })).toEqual({});
  });
});

describe('unknown options', () => {
  it.each([['top_k', 'topK'], ['logit-bias', 'logitBias'], ['max_tokens', 'maxTokens'], ['MINP', 'minP']])(
    '%s is refused, and %s advised', (name, meant) => {
      expect(() => check({ [name]: 1 })).toThrow(InvalidArgumentError);
      expect(() => check({ [name]: 1 })).toThrow(`There is no option ${name}. Write ${meant}.`);
    });

  it.each(['temp', 'toString', '__proto__x', 'constructor'])('%s is refused', (name) => {
    expect(() => check({ [name]: 1 })).toThrow(`There is no option ${name}.`);
  });

  it('others that are allowed pass and are not returned', () => {
    expect(check({ maxTokens: 5, topK: 3 })).toEqual({ topK: 3 });
  });
});

describe('logitBias', () => {
  it('takes ids of the vocabulary', () => {
    const logitBias = { 0: 1, 499: -Infinity, 7: -1e9, 8: 1e9 };
    expect(check({ logitBias })).toEqual({ logitBias });
    expect(check({ logitBias: Object.assign(Object.create(null), { 3: 1 }) }).logitBias).toEqual({ 3: 1 });
  });

  it.each([[500], [-1], [1.5], ['x'], [''], ['0x10'], [' 5'], ['1e2']])('refuses the id %j', (id) => {
    expect(() => check({ logitBias: { [id]: 1 } })).toThrow(InvalidArgumentError);
    expect(() => check({ logitBias: { [id]: 1 } })).toThrow(/logitBias has the token id/);
  });

  it.each([[NaN], [Infinity], [1e10], [-1e10], ['1'], [null], [true], [undefined]])('refuses the bias %s', (bias) => {
    expect(() => check({ logitBias: { 5: bias } })).toThrow(/logitBias of id 5/);
  });

  it.each([[null], [5], ['5'], [[1, 2]], [new Map([[5, 1]])], [true]])('refuses %s', (logitBias) => {
    expect(() => check({ logitBias })).toThrow(InvalidArgumentError);
    expect(() => check({ logitBias })).toThrow(/logitBias must be an object/);
  });
});

describe('drySequenceBreakers', () => {
  it('takes ids of the vocabulary', () => {
    expect(check({ drySequenceBreakers: [0, 499] })).toEqual({ drySequenceBreakers: [0, 499] });
  });

  it.each([[[500]], [[-1]], [[1.5]], [['\n']], [[null]], [[NaN]], ['\n'], [{}], [null], [new Array(1025).fill(1)]])(
    'refuses %j', (drySequenceBreakers) => {
      expect(() => check({ drySequenceBreakers })).toThrow(InvalidArgumentError);
      expect(() => check({ drySequenceBreakers })).toThrow(/drySequenceBreakers/);
    });
});
