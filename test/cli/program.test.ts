// The built program on tiny models: help, exit codes, JSON on standard output and nothing else, no network, Ctrl-C.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/cli.ts';
import { inRepository } from '../support/fixtures.ts';
import { PROGRAM, program } from './program.ts';

const tiny = (name: string): string => inRepository('test/data/arch', `${name}.gguf`);
const LLAMA = tiny('llama-tied');
const cases = (JSON.parse(readFileSync(inRepository('test/data/arch/manifest.json'), 'utf8')) as {
  cases: { name: string; ids: number[]; greedy: number[]; greedy_margin: number[] }[];
}).cases;
const dir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-program-'));
const OFFLINE = { CLAWDBOT_OFFLINE: '1', CLAWDBOT_CACHE: path.join(dir, 'empty-cache') };
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const json = async <T>(...args: string[]): Promise<T> => {
  const { code, stdout, stderr } = await program([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
};

describe('help and usage', () => {
  it('shows the version and the commands', async () => {
    const { version } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string };
    expect(await program(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    const { code, stdout } = await program(['--help']);
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(stdout).toContain(`\n  ${name} `);
  });

  it.each(COMMANDS.map(({ name }) => name))('explains %s with examples', async (name) => {
    const { code, stdout, stderr } = await program([name, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: clawdbot ${name}`);
    expect(stdout).toMatch(/\nExamples:\n {2}\S/);
    expect(await program(['help', name])).toMatchObject({ code: 0, stdout });
  });

  it.each<[string[], number, RegExp]>([
    [[], 2, /^error: Say what to do: .*\n$/],
    [['rnu'], 2, /^error: Unknown command rnu\. Did you mean run\?\n$/],
    [['--modle'], 2, /^error: Unknown option --modle\. /],
    [['run', '--modle', 'x'], 2, /^error: Unknown option --modle for clawdbot run\. Did you mean --model\?\n$/],
    [['run', 'hi', '--temp', 'warm'], 2, /^error: --temperature must be a number .*"warm"\.\n$/],
    [['inspect'], 2, /^error: clawdbot inspect takes one MODEL, none given\.\n$/],
    [['inspect', '/no/such/model.gguf'], 1, /^error: There is no file "\/no\/such\/model\.gguf".*\n$/],
    [['run', 'hi', '-m', '/no/such/model.gguf'], 1, /^error: There is no file .*\n$/],
    [['run', 'hi', '-m', 'no-such-model'], 1, /^error: There is no model "no-such-model".*smollm2.*\n$/],
    [['inspect', inRepository('package.json')], 1, /^error: .*GGUF.*\n$/],
    [['run', '-p', 'hi', '-m', inRepository('tsconfig.json')], 1, /^error: .*GGUF.*\n$/],
    [['run', '-p', 'hi', '-m', tiny('bert-mean')], 1, /^error: .*encoder.*clawdbot embed\.\n$/],
    [['score', '-m', LLAMA, '--ids', '1,99999'], 2, /^error: .*99999.*\n$/],
    [['run', '-m', LLAMA, '-c', '8', '--ids', '5,5,5,5,5,5,5,5'], 1, /^error: .* 9 tokens .* 8\..*\n$/],
    [['detokenize', '-m', LLAMA, '99999'], 2, /^error: .*99999.*\n$/],
    [['score', '', '-m', tiny('gpt2')], 2, /^error: The text has no tokens\. Give some text\.\n$/],
    [['score', 'hi', '-m', tiny('bert-mean')], 1, /^error: .*encoder.*clawdbot embed.*\n$/],
    [['embed', 'hi', '-m', 'all-minilm'], 1, /^error: .*safetensors.*Nothing was downloaded.*\n$/],
    [['rm', 'nothing', '--cache-dir', path.join(dir, 'empty-cache')], 1, /^error: .*"nothing".*\n$/],
  ])('%j ends with code %i and one line', async (args, expected, line) => {
    const { code, stdout, stderr } = await program(args);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toMatch(line);
  });

  it('shows a stack trace with --verbose only', async () => {
    expect((await program(['inspect', '/no/such.gguf', '--verbose'])).stderr).toMatch(/\n +at /);
  });

  it('says what is missing and what to do where there is neither network nor cache', async () => {
    const { code, stdout, stderr } = await program(['run', 'hi'], { env: OFFLINE });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*"?smollm2"?/);
    expect(stderr).toContain('clawdbot pull smollm2');
    expect(stderr).not.toMatch(/\n +at /);
  });
});

describe('on tiny models', () => {
  it.each([
    'llama-tied', 'gemma2', 'q-qwen3moe-q8_0',
  ])('run continues ids of %s as the reference does', async (name) => {
    const { ids, greedy, greedy_margin: margins } = cases.find((one) => one.name === name)!;
    const result = await json<Record<string, unknown> & { ids: number[] }>(
      'run', '-m', tiny(name), '--ids', ids.join(','), '--temp', '0', '-n', '16', '--ignore-eos');
    expect(result).toEqual({
      promptIds: ids, ids: expect.any(Array), text: expect.any(String), finishReason: 'length',
      seed: expect.any(Number), model: name, peakRssBytes: expect.any(Number),
      timings: {
        loadMs: expect.any(Number), ttftMs: expect.any(Number), prefillTokensPerSecond: expect.any(Number),
        decodeTokensPerSecond: expect.any(Number),
      },
    });
    const parting = greedy.findIndex((id, i) => id !== result.ids[i]);
    if (parting >= 0) expect(margins[parting]).toBeLessThan(0.2);
    expect(result.ids).toHaveLength(16);
  });

  it('run gives the same tokens for the same seed', async () => {
    const sample = (seed: string) =>
      json<{ ids: number[]; seed: number }>('run', '-m', LLAMA, '-p', 'the cat', '-n', '12', '--seed', seed);
    const [one, again, other] = [await sample('4'), await sample('4'), await sample('5')];
    expect(again.ids).toEqual(one.ids);
    expect(one.seed).toBe(4);
    expect(other.ids).not.toEqual(one.ids);
  });

  it('tokenizes standard input exactly and back', async () => {
    const text = 'the cat\r\n sat  \n\n';
    const one = await program(['tokenize', '-m', LLAMA, '--json'], { input: text });
    const { ids } = JSON.parse(one.stdout) as { ids: number[] };
    expect(await json('detokenize', '-m', LLAMA, '--ids', ids.join(','))).toEqual({ text });
    for (const input of [JSON.stringify(ids), one.stdout]) {
      expect((await program(['detokenize', '-m', LLAMA], { input })).stdout).toBe(text);
    }
    for (const input of ['{"ids":5}', '{"ids":', '{}']) {
      expect(await program(['detokenize', '-m', LLAMA], { input })).toMatchObject({ code: 2, stdout: '' });
    }
    const marked = await program(['tokenize', '-m', LLAMA, '--json'], { input: '\ufeffa' });
    expect((JSON.parse(marked.stdout) as { ids: number[] }).ids.length).toBeGreaterThan(1);
  });

  it('tokenizes batches, with and without special tokens', async () => {
    const input = JSON.stringify(['cat', '', 'the sea']);
    const batch = async (...args: string[]) => {
      const { stdout } = await program(['tokenize', '-m', tiny('gemma2'), '--batch', '--json', ...args], { input });
      return (JSON.parse(stdout) as { ids: number[][] }).ids;
    };
    const [plain, special] = [await batch('--no-special'), await batch()];
    expect(special).toEqual(plain.map((ids) => [2, ...ids]));
    expect(plain[1]).toEqual([]);
    for (const wrong of ['', '{}', '[1]', 'text']) {
      expect((await program(['tokenize', '-m', LLAMA, '--batch'], { input: wrong })).code).toBe(2);
    }
    const { stderr } = await program(['tokenize', '-m', LLAMA, '--batch'], { input: 'two\nlines\n' });
    expect(stderr).toMatch(/^error: .*standard input is no JSON: .+\n/);
    expect(stderr).not.toContain('\nlines');
  });

  it('inspects', async () => {
    const model = await json<Record<string, unknown>>('inspect', LLAMA, '--tensors');
    expect(model).toMatchObject({
      architecture: 'llama', supported: true, version: 3, parameters: expect.any(Number), contextLength: 256,
      chatTemplate: null, types: { F32: { tensors: expect.any(Number) } }, tokenizer: { problem: null },
    });
    expect(model['tensors']).toContainEqual(expect.objectContaining({ name: 'token_embd.weight', type: 'F32' }));
    expect((await program(['inspect', '-m', LLAMA])).stdout).toContain('general.architecture = "llama"');
    expect(await json('inspect', LLAMA, '--template')).toEqual({ chatTemplate: null });
  });

  it('embeds', async () => {
    const { embedding } = await json<{ embedding: number[] }>('embed', '-m', tiny('bert-mean'), '--text', 'the cat');
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
  });

  it('scores, and writes logits', async () => {
    const file = path.join(dir, 'logits.f32');
    type Scores = { last: { ids: number[]; logprobs: number[] }; nll: number; meanNll: number; tokens: number };
    const result = await json<Scores>(
      'score', '-m', LLAMA, '--ids', '98,101,99,97', '--top', '5', '--logits', file);
    const bytes = readFileSync(file);
    const logits = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    expect(result.last.ids[0]).toBe(logits.indexOf(Math.max(...logits)));
    expect(result).toMatchObject({ tokens: 3, last: { logprobs: expect.any(Array) } });
    expect(result.meanNll).toBeCloseTo(result.nll / 3, 9);
    expect(result.last.ids).toHaveLength(5);
  });

  it('measures perplexity and speed', async () => {
    const file = path.join(dir, 'text.txt');
    writeFileSync(file, 'the cat sat on the mat and looked at the sea. '.repeat(20));
    const result = await json<Record<string, number>>('perplexity', '-m', LLAMA, '-f', file, '-c', '64');
    expect(result['tokens']).toBe(result['windows']! * 31);
    expect(result['perplexity']).toBeCloseTo(Math.exp(result['meanNll']!), 6);
    const rows = await json<{ test: string; tokensPerSecond: number }[]>(
      'bench', '-m', LLAMA, '-p', '8', '-n', '4', '-r', '1', '-t', '1');
    expect(rows.map(({ test }) => test)).toEqual(['pp8', 'tg4']);
    for (const { tokensPerSecond } of rows) expect(tokensPerSecond).toBeGreaterThan(0);
  });

  it('lists an empty cache', async () => {
    expect(await json('list', '--cache-dir', OFFLINE.CLAWDBOT_CACHE)).toEqual([]);
    const catalog = await json('list', '--catalog');
    expect(catalog).toContainEqual(expect.objectContaining({ name: 'smollm2', runs: true }));
    expect(catalog).toContainEqual(expect.objectContaining({ name: 'all-minilm', runs: false }));
    expect((await program(['list', '--catalog'])).stdout).toMatch(/all-minilm.*cannot be run by this version/);
  });

  it('lists what an interrupted download has left, and removes it', async () => {
    const cacheDir = path.join(dir, 'cut-cache');
    const partial = path.join(cacheDir, 'models', 'url-big-0123456789ab');
    mkdirSync(partial, { recursive: true });
    writeFileSync(path.join(partial, 'big.gguf.partial'), 'GGUF');
    const listed = await program(['list', '--cache-dir', cacheDir]);
    expect(listed.stdout).toMatch(/big +4 B +unfinished .*clawdbot rm/);
    expect(await json('list', '--cache-dir', cacheDir)).toMatchObject([{ name: 'big', bytes: 4, unfinished: true }]);
    expect((await program(['rm', 'big', '--cache-dir', cacheDir])).stdout).toBe('Deleted big (4 B).\n');
    expect(await json('list', '--cache-dir', cacheDir)).toEqual([]);
  });

  it('chats with a script', async () => {
    const file = path.join(dir, 'talk.json');
    const input = `the cat\n/save ${file}\n/exit\n`;
    const { code, stdout } = await program(['chat', '-m', LLAMA, '-n', '4', '--temp', '0'], { input });
    expect(code).toBe(0);
    const { messages } = JSON.parse(readFileSync(file, 'utf8')) as { messages: { role: string; content: string }[] };
    expect(messages).toEqual([
      { role: 'user', content: 'the cat' }, { role: 'assistant', content: expect.any(String) },
    ]);
    expect(stdout).toContain(messages[1]!.content);
  });
});

describe('interruptions', () => {
  it('ends with 130 and prints no half of its JSON after Ctrl-C', async () => {
    // Several loads, each with a warning: the first of them says that the command is under way.
    const many = ['bench', '-m', LLAMA, '-p', '500', '-n', '0', '-r', '1000', '--json'];
    const { code, stdout } = await program(many, { interruptAfter: /warning/ });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  });

  it('leaves a chat quietly at the end of the input', async () => {
    expect(await program(['chat', '-m', tiny('q-llama-q4_0'), '-n', '1'])).toMatchObject({ code: 0, stdout: '' });
  });

  it.skipIf(!existsSync('/dev/full'))('says in one line that its output cannot be written', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, 'inspect', LLAMA], {
      stdio: ['ignore', full, 'pipe'], encoding: 'utf8',
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'error: Cannot write the output: the disk is full.\n' });
  });

  it('says nothing when nobody reads on', async () => {
    const { code, stderr } = await program(['inspect', LLAMA, '--full', '--tensors'], { closeOutput: true });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
  it.skipIf(!hasTerminal)('leaves a chat on a terminal after Ctrl-C twice at an empty prompt', async () => {
    const command = `${process.execPath} ${PROGRAM} chat -m ${LLAMA} -n 4`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let shown = '';
    // A draft is thrown away, the next Ctrl-C only warns, the one after it leaves.
    const steps: [RegExp, string][] = [
      [/> $/, 'draft'], [/draft$/, '\u0003'], [/> $/, '\u0003'], [/again[^]*> $/, '\u0003'],
    ];
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString().replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
      if (steps.length > 0 && steps[0]![0].test(shown)) {
        const [, keys] = steps.shift()!;
        shown = '';
        setTimeout(() => terminal.stdin.write(keys), 100);
      }
    });
    const code = await new Promise((resolve) => terminal.on('close', resolve));
    expect({ code, steps }).toEqual({ code: 130, steps: [] });
  });
});
