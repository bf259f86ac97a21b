// score, perplexity, embed and bench on a fake engine: windows, rows, and the shape of their JSON.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { meanAndDeviation, measurePrefill, randomIds } from '../../src/cli/bench-runs.ts';
import type { BenchRow } from '../../src/cli/commands/bench.ts';
import type { GenerateOptions } from '../../src/engine/types.ts';
import { cli } from './surroundings.ts';

const dir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-cli-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('score', () => {
  it('prints likelihoods and the next tokens', async () => {
    const { json } = await cli(['score', '--ids', '1,2,3', '--top', '2', '--json']);
    expect(json()).toEqual({ last: { ids: [97, 98], logprobs: [-0.5, -1] }, nll: 4, meanNll: 2, tokens: 2 });
    expect((await cli(['score', 'abc'])).stdout).toContain('97');
  });

  it('has no mean where nothing is scored', async () => {
    expect((await cli(['score', '--ids', '1', '--json'])).json()).toMatchObject({ nll: 0, meanNll: null, tokens: 0 });
  });

  it('writes logits as little-endian float32', async () => {
    const file = path.join(dir, 'logits.f32');
    await cli(['score', '--ids', '1,2', '--logits', file, '--json']);
    const bytes = readFileSync(file);
    expect([bytes.length, bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([8, 1.5, -2]);
  });

  it('looks before it computes whether logits can be written', async () => {
    const below = path.join(dir, 'logits.f32', 'x');
    for (const [file, why] of [['/no/such/x', /no such/], [dir, /a folder/], [below, /is a file/]] as const) {
      const { code, stderr, calls } = await cli(['score', 'abc', '--logits', file]);
      expect({ code, loads: calls.loadOptions.length }).toEqual({ code: 1, loads: 0 });
      expect(stderr).toMatch(/^error: Cannot write ".*": .*\.\n$/);
      expect(stderr).toMatch(why);
    }
    const file = path.join(dir, 'not-yet.f32');
    await cli(['score', 'abc', '--logits', file], { failLoad: new Error('x') });
    expect(existsSync(file)).toBe(false);
  });

  it('reads standard input where nothing else is given', async () => {
    const { calls } = await cli(['score', '--json'], { input: 'abc\n' });
    expect(calls.scored[0]!.ids).toEqual([97, 98, 99]);
  });

  it.each([[[]], [['-']], [['a', '--ids', '1']], [['--text', 'a', 'b']]])('refuses %j', async (args) => {
    expect((await cli(['score', ...args])).code).toBe(2);
  });
});

describe('embed', () => {
  it('prints the embedding', async () => {
    expect((await cli(['embed', 'text', '--json'])).json()).toEqual({ embedding: [0.5, -0.25, 1] });
    expect((await cli(['embed', '--ids', '1,2'])).stdout).toBe('0.5 -0.25 1\n');
    expect((await cli(['embed'], { input: 'text\n' })).stdout).toBe('0.5 -0.25 1\n');
    expect((await cli(['embed'])).code).toBe(2);
  });
});

describe('perplexity', () => {
  const measure = async (text: string, addBos: boolean, ...args: string[]) => {
    const file = path.join(dir, 'text.txt');
    writeFileSync(file, text);
    return cli(['perplexity', '-f', file, '--json', ...args], { addBos });
  };

  it('scores the second half of whole windows that begin with BOS', async () => {
    const { json, calls } = await measure('abcdefghijklmnopqrstu', true, '-c', '8');
    const code = (letter: string): number => letter.codePointAt(0)!;
    expect(calls.scored.map(({ ids, from }) => ({ first: ids.slice(0, 2), length: ids.length, from }))).toEqual([
      { first: [1, code('a')], length: 8, from: 5 }, { first: [1, code('i')], length: 8, from: 5 },
    ]);
    expect(json()).toEqual({ tokens: 6, meanNll: 2, perplexity: Math.exp(2), windows: 2, contextLength: 8 });
    expect(calls.loadOptions[0]!.contextLength).toBe(8);
  });

  it('leaves the first token of a window alone where the model adds no BOS', async () => {
    const { calls } = await measure('abcdefghij', false, '-c', '4');
    expect(calls.scored.map(({ ids }) => String.fromCodePoint(...ids))).toEqual(['abcd', 'efgh']);
  });

  it('scores a short text whole', async () => {
    const { json, calls } = await measure('abc', true);
    expect(calls.scored).toEqual([{ ids: [1, 97, 98, 99], from: 1 }]);
    expect(json()).toMatchObject({ tokens: 3, windows: 1, contextLength: 512 });
  });

  it('stops after --max-tokens, and refuses what it cannot measure', async () => {
    expect((await measure('abcdefghijkl', false, '-c', '4', '--max-tokens', '9')).json()).toMatchObject({ windows: 2 });
    expect((await measure('', true)).stderr).toContain('fewer than 2 tokens');
    expect((await cli(['perplexity'])).code).toBe(2);
    const missing = await cli(['perplexity', '-f', path.join(dir, 'missing.txt')]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/^error: Cannot read ".*missing\.txt": there is no such file or folder\.\n$/);
    const folder = await cli(['perplexity', '-f', dir]);
    expect(folder.stderr).toBe(`error: Cannot read "${dir}": it is a folder.\n`);
  });
});

describe('bench', () => {
  it('measures every test, once unmeasured, on an engine per number of threads', async () => {
    const { json, calls } = await cli(['bench', '-p', '8', '-n', '4', '-d', '0,16', '-t', '1,2', '-r', '2', '--json']);
    const rows = json<BenchRow[]>();
    const tests = ['pp8', 'tg4', 'pp8@d16', 'tg4@d16'];
    expect(rows.map(({ test }) => test)).toEqual([...tests, ...tests]);
    expect(rows[0]).toMatchObject({ tokensPerSecond: 400, stddev: 0, depth: 0, repetitions: 2, model: 'fake' });
    expect(rows[2]).toMatchObject({ tokensPerSecond: 400, depth: 16 });
    expect(rows[3]).toMatchObject({ tokensPerSecond: 50, depth: 16 });
    expect(calls.loadOptions.map(({ threads, contextLength }) => [threads, contextLength])).toEqual([[1, 26], [2, 26]]);
    expect(calls.disposed).toBe(2);
    // Per engine and repetition: a prefill and a generation at each depth.
    expect(calls.prompts).toHaveLength(2 * 3 * 4);
    expect(calls.options.every(({ ignoreEos, temperature }) => ignoreEos && temperature === 0)).toBe(true);
  });

  it('times what comes after the depth by the progress of the prompt', async () => {
    const now = vi.spyOn(performance, 'now');
    const engine = {
      model: { vocabSize: 50 },
      async complete(ids: readonly number[], options: GenerateOptions) {
        for (const [at, computedTokens] of [[1000, 64], [1500, 128], [3500, 192], [4000, 200]] as const) {
          now.mockReturnValue(at);
          options.onPromptProgress!({ computedTokens, totalTokens: ids.length });
        }
        return { ids: [1], timings: { prefillTokensPerSecond: 7 } };
      },
    };
    // 72 tokens in the 2.5 s after the pass that ended past 100.
    expect(await measurePrefill(engine as never, 100, 100, new AbortController().signal)).toBeCloseTo(28.8);
    now.mockRestore();
  });

  it('leaves out what is 0, prints a table, and refuses to measure nothing', async () => {
    const { stdout } = await cli(['bench', '-p', '0', '-n', '4', '-r', '1']);
    expect(stdout).toContain('tg4');
    expect(stdout).not.toContain('pp');
    expect((await cli(['bench', '-p', '0', '-n', '0'])).code).toBe(2);
    expect((await cli(['bench', 'model.gguf'])).stderr).toContain('--model');
  });

  it('uses the same random ids every time, all of them in the vocabulary', () => {
    expect(randomIds(100, 50)).toEqual(randomIds(100, 50));
    expect(randomIds(1000, 50).every((id) => Number.isInteger(id) && id >= 0 && id < 50)).toBe(true);
    expect(new Set(randomIds(1000, 50)).size).toBeGreaterThan(40);
  });

  it('computes means and sample deviations', () => {
    expect(meanAndDeviation([2, 4, 6])).toEqual({ mean: 4, deviation: 2 });
    expect(meanAndDeviation([5])).toEqual({ mean: 5, deviation: 0 });
  });
});
