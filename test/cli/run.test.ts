// clawdbot run on a fake engine: what becomes of the prompt and the options, what is printed where.
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError, OutOfMemoryError } from '../../src/errors.ts';
import { defaultCatalog } from '../../src/sources/catalog.ts';
import { cli } from './surroundings.ts';

const USER = [{ role: 'user', content: 'Hi' }];

describe('run', () => {
  it('streams the answer and ends its line', async () => {
    const { code, stdout, stderr, calls } = await cli(['run', 'Hi', '-m', 'm.gguf']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'Hello there\n', stderr: '' });
    expect(calls).toMatchObject({ source: 'm.gguf', prompts: [USER], disposed: 1 });
  });

  it('asks the default model greedily and with a system message, unless told otherwise', async () => {
    const plain = await cli(['run', 'Hi']);
    const system = { role: 'system', content: 'You are a helpful assistant.' };
    const asked = { source: 'smollm2', prompts: [[system, ...USER]], options: [{ temperature: 0 }] };
    expect(plain.calls).toMatchObject(asked);
    const told = await cli(['run', 'Hi', '--system', 'S', '--temp', '0.5']);
    expect(told.calls).toMatchObject({ prompts: [[{ content: 'S' }, ...USER]], options: [{ temperature: 0.5 }] });
    expect((await cli(['run', '--prompt', 'Hi'])).calls).toMatchObject({ prompts: ['Hi'] });
  });

  const { sources, fileName } = defaultCatalog().models.find(({ name }) => name === 'smollm2')!;
  it.each([
    ['-m', 'smollm2'], ['--seed', '3'], ['--samples', '2'], ['-m', sources[0]!], ['-m', sources[1]!],
    ['-m', `models/${fileName}`],
  ])('asks it so with %s %s too', async (...args) => {
    const { calls } = await cli(['run', 'Hi', ...args]);
    expect(calls).toMatchObject({ prompts: [[{ role: 'system' }, ...USER]], options: [{ temperature: 0 }] });
  });

  it('says that a greedy answer depends on no seed', async () => {
    const note = /^note: .*greedily.*--temp.*\n$/;
    expect((await cli(['run', 'Hi', '--seed', '3'])).stderr).toMatch(note);
    expect((await cli(['run', 'Hi', '--samples', '2'])).stderr).toMatch(note);
    for (const args of [[], ['--seed', '3', '--temp', '0'], ['--seed', '3', '-m', 'm.gguf']]) {
      expect((await cli(['run', 'Hi', ...args])).stderr).toBe('');
    }
  });

  it.each<[string[], unknown]>([
    [['Hi'], USER],
    [['--', '--Hi'], [{ role: 'user', content: '--Hi' }]],
    [['What', 'is', 'this?'], [{ role: 'user', content: 'What is this?' }]],
    [['Hi', '--system', 'Be brief.'], [{ role: 'system', content: 'Be brief.' }, ...USER]],
    [['Hi', '--raw'], 'Hi'],
    [['--prompt', 'Hi'], 'Hi'],
    [['--prompt', 'Hi', '--chat'], USER],
    [['--ids', '1,2,3'], [1, 2, 3]],
    [['-'], [{ role: 'user', content: 'from\nstdin' }]],
  ])('makes of %j the prompt %j', async (args, prompt) => {
    const { calls } = await cli(['run', '-m', 'm.gguf', ...args], { input: 'from\nstdin\n' });
    expect(calls.prompts).toEqual([prompt]);
  });

  it('continues a prompt as it is where the model has no template, unless --chat', async () => {
    const model = { hasChatTemplate: false, chatTemplateWarning: 'fallback' };
    const plain = await cli(['run', '-m', 'm', 'Hi'], { model });
    expect(plain.calls.prompts).toEqual(['Hi']);
    expect(plain.stderr).toMatch(/^note: the model has no chat template.*--chat.*\n$/);
    for (const args of [['--raw', 'Hi'], ['--prompt', 'Hi'], ['--ids', '1']]) {
      expect((await cli(['run', '-m', 'm', ...args], { model })).stderr).toBe('');
    }
    const chat = await cli(['run', '-m', 'm', '--chat', '-p', 'Hi'], { model });
    expect(chat).toMatchObject({ stderr: 'warning: fallback\n', calls: { prompts: [USER] } });
  });

  it('hands all options on', async () => {
    const { calls } = await cli([
      'run', 'Hi', '-m', 'other.gguf',
      '--temp', '0', '--top-k', '5', '--top-p', '0.5', '--min-p', '0.1', '--typical', '0.9',
      '--xtc-probability', '0.1', '--xtc-threshold', '0.2', '--dry-multiplier', '0.8', '--dry-base', '2',
      '--dry-allowed-length', '3', '--dry-penalty-last-n', '-1', '--dry-sequence-breaker', '13', '--mirostat', '2',
      '--mirostat-tau', '4', '--mirostat-eta', '0.2', '--repeat-penalty', '1.1', '--presence-penalty', '-0.5',
      '--frequency-penalty', '0.5', '--repeat-last-n', '32', '--logit-bias', '7=-inf', '--seed', '9', '-n', '48',
      '--stop', 'END', '--ignore-eos', '--parse-special', '-t', '3', '-c', '256', '--batch', '64', '--kv', 'f32',
      '--deterministic', '--offline', '--cache-dir', '/tmp/c', '--max-memory', '1GiB',
      '--max-sequences', '6', '--rope-scaling', 'yarn:4:2048', '--rope-theta', '1e5', '--context-policy', 'slide',
    ]);
    expect(calls.source).toBe('other.gguf');
    expect(calls.options[0]).toMatchObject({
      temperature: 0, topK: 5, topP: 0.5, minP: 0.1, typicalP: 0.9, xtcProbability: 0.1, xtcThreshold: 0.2,
      dryMultiplier: 0.8, dryBase: 2, dryAllowedLength: 3, dryPenaltyLastN: -1, drySequenceBreakers: [13], mirostat: 2,
      mirostatTau: 4, mirostatEta: 0.2, repetitionPenalty: 1.1, presencePenalty: -0.5, frequencyPenalty: 0.5,
      penaltyLastN: 32, logitBias: { 7: -Infinity }, seed: 9, maxTokens: 48, stop: ['END'], ignoreEos: true,
      parseSpecial: true, contextPolicy: 'slide',
    });
    expect(calls.loadOptions[0]).toMatchObject({
      threads: 3, contextLength: 256, maxBatchTokens: 64, kvType: 'f32', deterministic: true, offline: true,
      cacheDir: '/tmp/c', maxMemory: 2 ** 30, maxSequences: 6, ropeTheta: 1e5,
      ropeScaling: { type: 'yarn', factor: 4, originalContextLength: 2048 },
    });
  });

  it('prints one JSON object with every promised field', async () => {
    const { stdout, json } = await cli(['run', '--ids', '1,2', '--json', '--seed', '7']);
    expect(stdout.endsWith('}\n') && stdout.indexOf('\n') === stdout.length - 1).toBe(true);
    expect(json()).toEqual({
      promptIds: [1, 2], ids: [0, 1], text: 'Hello there', finishReason: 'stop',
      timings: { loadMs: 5, ttftMs: 10, prefillTokensPerSecond: 400, decodeTokensPerSecond: 50 },
      peakRssBytes: expect.any(Number), seed: 7, model: 'fake',
    });
    expect(json<{ peakRssBytes: number }>().peakRssBytes).toBeGreaterThan(2 ** 20);
  });

  it('prints several answers', async () => {
    const several = await cli(['run', 'Hi', '--samples', '2']);
    expect(several.stdout).toBe('--- 1 ---\nHello there0\n--- 2 ---\nHello there1\n');
    const { json, calls } = await cli(['run', 'Hi', '--samples', '3', '--json', '--logprobs', '2']);
    expect(calls.options[0]).toMatchObject({ n: 3, logprobs: 2 });
    expect(json<{ choices: unknown[] }>().choices).toHaveLength(3);
  });

  it('prints speeds with --stats, and on a terminal', async () => {
    const line = /^\[4 \+ 2 tokens · prefill 400.0 tok\/s · decode 50.0 tok\/s · .* seed 3\]\n$/;
    const args = ['run', 'Hi', '-m', 'm.gguf', '--seed', '3'];
    expect((await cli([...args, '--stats'])).stderr).toMatch(line);
    expect((await cli(args, { isTTY: true })).stderr).toMatch(line);
    expect((await cli(['run', 'Hi', '--stats'])).stderr).not.toContain('seed');
  });

  it('keeps a model from steering the terminal, and leaves pipes alone', async () => {
    const reply = ['a\u001b[2Jb\n', '\u0007c'];
    expect((await cli(['run', 'Hi'], { reply, isTTY: true })).stdout).toBe('a[2Jb\nc\n');
    expect((await cli(['run', 'Hi'], { reply })).stdout).toBe('a\u001b[2Jb\n\u0007c\n');
  });

  it.each([
    [[]], [['Hi', '--prompt', 'Hi']], [['--ids', '1', 'Hi']], [['Hi', '--raw', '--system', 'x']],
    [['Hi', '--raw', '--chat']], [['--ids', '1', '--system', 'x']], [['Hi', '--temp', 'hot']],
    [['Hi', '--logprobs', '2']], [['']], [[' \n']], [['-']], [['--prompt', ' ', '--chat']],
    [['Hi', '--mirostat', '3']], [['Hi', '--seed', '4294967296']],
  ])('refuses %j with exit code 2 before it loads anything', async (args) => {
    const { code, stderr, stdout, calls } = await cli(['run', ...args]);
    expect({ code, stdout, loads: calls.loadOptions.length }).toEqual({ code: 2, stdout: '', loads: 0 });
    expect(stderr).toMatch(/^error: .+\n$/);
  });

  it('frees the engine after a failure, which it states in one line', async () => {
    const fail = new OutOfMemoryError(2, 1, 'It does not fit.');
    const { code, stderr, calls } = await cli(['run', 'Hi', '--json'], { fail });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: It does not fit.\n' });
    expect(calls.disposed).toBe(1);
  });

  it.each([
    ['contextLength must be a whole number.', '--context must be a whole number.'],
    ['n must be 1.', '--samples must be 1.'],
    ['stop must be made of strings that stop.', '--stop must be made of strings that stop.'],
    ['logitBias of id 5 must be a number.', '--logit-bias of id 5 must be a number.'],
    ['Use a smaller contextLength or raise maxMemory.', 'Use a smaller --context or raise --max-memory.'],
    ['"/contextLength/m" is no model.', '"/contextLength/m" is no model.'],
    ['It is an encoder: use embed().', 'It is an encoder: use clawdbot embed.'],
  ])('says %j in the words of the command line', async (message, expected) => {
    const { code, stderr } = await cli(['run', 'Hi'], { failLoad: new InvalidArgumentError(message) });
    expect({ code, stderr }).toEqual({ code: 2, stderr: `error: ${expected}\n` });
  });

  it('shows where unexpected errors come from with --verbose only', async () => {
    const fail = new TypeError('x is not a function');
    const short = await cli(['run', 'Hi', '--json'], { fail });
    expect(short.stderr).toBe('error: x is not a function (--verbose shows where)\n');
    expect((await cli(['run', 'Hi', '--json', '--verbose'], { fail })).stderr).toContain('run.test.ts');
  });

  it('says that encoders do not generate', async () => {
    const { code, stderr } = await cli(['run', 'Hi'], { model: { kind: 'encoder' } });
    expect(code).toBe(1);
    expect(stderr).toContain('clawdbot embed');
  });
});
