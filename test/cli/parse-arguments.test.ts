// Reading command lines: values and their checks, unknown flags and the nearest known one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../src/sources/nearest.ts';
import {
  biases, byteSize, choice, decimal, flag, integer, integers, parseIntegers, text, texts,
} from '../../src/cli/options.ts';
import { UsageError, parseArguments } from '../../src/cli/parse-arguments.ts';

const OPTIONS = {
  prompt: text({ short: 'p', help: '' }),
  stop: texts({ help: '' }),
  temperature: decimal({ min: 0, max: 100 }, { aliases: ['temp'], help: '' }),
  presencePenalty: decimal({ min: -100, max: 100 }, { help: '' }),
  maxTokens: integer({ min: 1 }, { short: 'n', help: '' }),
  ids: integers({ min: 0 }, { help: '' }),
  kv: choice(['f16', 'f32'], { help: '' }),
  maxMemory: byteSize({ help: '' }),
  logitBias: biases({ help: '' }),
  ignoreEos: flag({ help: '' }),
};
const parse = (...args: string[]) => parseArguments('test', OPTIONS, args);
const options = (...args: string[]) => parse(...args).options;

describe('parseArguments', () => {
  it('reads long, short, inline and repeated options', () => {
    expect(options('--prompt', 'hi', '-n', '48', '--temp=0.5', '--stop', 'a', '--stop', 'b', '--ignore-eos')).toEqual({
      prompt: 'hi', maxTokens: 48, temperature: 0.5, stop: ['a', 'b'], ignoreEos: true,
    });
    expect(options('-n48', '--temperature', '1')).toEqual({ maxTokens: 48, temperature: 1 });
  });

  it('takes the last of an option that is given twice', () => {
    expect(options('-n', '1', '--max-tokens', '2').maxTokens).toBe(2);
  });

  it('takes values that begin with a dash, but not its own flags', () => {
    expect(options('--presence-penalty', '-0.5').presencePenalty).toBe(-0.5);
    expect(options('-p', '- a list').prompt).toBe('- a list');
    expect(() => options('--prompt', '--ignore-eos')).toThrow('--prompt needs a value: --prompt TEXT.');
    expect(options('--prompt=--ignore-eos').prompt).toBe('--ignore-eos');
  });

  it('keeps positionals, and everything after --', () => {
    expect(parse('one', '-n', '2', 'three', '--', '--four')).toEqual({
      options: { maxTokens: 2 }, positionals: ['one', 'three', '--four'],
    });
  });

  it.each([
    [['--tempp', '1'], 'Unknown option --tempp for clawdbot test. Did you mean --temp?'],
    [['--maxtokens', '1'], 'Unknown option --maxtokens for clawdbot test. Did you mean --max-tokens?'],
    [['--ignore'], 'Unknown option --ignore for clawdbot test. Did you mean --ignore-eos?'],
    [['--zzzzzzzzzzzz'], 'Unknown option --zzzzzzzzzzzz for clawdbot test. See clawdbot test --help.'],
    [['-z'], 'Unknown option -z for clawdbot test. See clawdbot test --help.'],
    [['--prompt'], '--prompt needs a value: --prompt TEXT.'],
    [['--ignore-eos=yes'], '--ignore-eos takes no value, "yes" was given.'],
    [['-n', 'many'], '--max-tokens must be a whole number of at least 1, not "many".'],
    [['-n', '1.5'], '--max-tokens must be a whole number of at least 1, not "1.5".'],
    [['-n', '0'], '--max-tokens must be a whole number of at least 1, not "0".'],
    [['-n', ''], '--max-tokens must be a whole number of at least 1, not "".'],
    [['-n', '0x10'], '--max-tokens must be a whole number of at least 1, not "0x10".'],
    [['--temp', '-1'], '--temperature must be a number of at least 0 and at most 100, not "-1".'],
    [['--temp', 'NaN'], '--temperature must be a number of at least 0 and at most 100, not "NaN".'],
    [['--kv', 'q8'], '--kv must be f16 or f32, not "q8".'],
    [['--ids', '1,two'], '--ids must be a whole number of at least 0, not "two".'],
    [['--ids', ' '], '--ids must list at least one whole number.'],
    [['--max-memory', 'lots'], '--max-memory must be a size such as 2GiB or 500MB, not "lots".'],
    [['--logit-bias', '5'], '--logit-bias must look like 42=-1.5, not "5".'],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(message);
  });

  it('never throws anything but UsageError', () => {
    const known = fc.constantFrom('--temp', '-n', '--ids', '--kv', '--', '-', '--no-x', '--logit-bias');
    const argument = fc.oneof(fc.string(), known);
    fc.assert(fc.property(fc.array(argument, { maxLength: 6 }), (args) => {
      try {
        parse(...args);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }));
  });
});

describe('values', () => {
  it.each([
    ['1,2,3', [1, 2, 3]], [' 1 2\n3 ', [1, 2, 3]], ['[4, 5]', [4, 5]], ['7', [7]],
  ])('reads the ids %j', (given, ids) => {
    expect(parseIntegers(given, { min: 0 })).toEqual(ids);
  });

  it.each([
    ['2GiB', 2 ** 31], ['1.5g', 1.5 * 2 ** 30], ['500MB', 5e8], ['1024', 1024], ['64 KiB', 65536],
  ])('reads the size %s', (given, bytes) => {
    expect(options('--max-memory', given).maxMemory).toBe(bytes);
  });

  it('reads logit biases', () => {
    const { logitBias } = options('--logit-bias', '5=-1.5,6=2', '--logit-bias', '7=-inf');
    expect(logitBias).toEqual({ 5: -1.5, 6: 2, 7: -Infinity });
  });
});

describe('nearest', () => {
  it('counts edits', () => {
    expect([editDistance('', 'abc'), editDistance('abc', 'acb'), editDistance('kitten', 'sitting')]).toEqual([3, 1, 3]);
  });

  it('finds what was meant, or nothing', () => {
    expect(nearest('chta', ['run', 'chat', 'pull'])).toBe('chat');
    expect(nearest('frobnicate', ['run', 'chat', 'pull'])).toBeUndefined();
  });
});
