// clawdbot serve in this process, on a fake engine: what its options come to, and what it says at its start.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { namedModels } from '../../src/cli/model-names.ts';
import { cli } from './surroundings.ts';
import type { CliRun, CliSettings } from './surroundings.ts';

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-serve-'));
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

interface Serving extends CliRun {
  readonly answer: Record<string, unknown>;
}

/** Serves until it has answered one request. */
async function serving(args: readonly string[], ask: { path: string; body?: object }, settings: CliSettings = {}): Promise<Serving> {
  let answer: Promise<Record<string, unknown>> | undefined;
  const run = await cli(['serve', ...args, '--port', '0', '--json'], {
    ...settings, env: { CLAWDBOT_CACHE: cacheDir },
    during(press, stdout) {
      answer = (async () => {
        try {
          await vi.waitUntil(() => stdout.text.endsWith('\n'), { timeout: 5000 });
          const { url } = JSON.parse(stdout.text) as { url: string };
          const { path: to, body } = ask;
          const response = await fetch(url + to, body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
          return await response.json() as Record<string, unknown>;
        } finally {
          press();
        }
      })();
      answer.catch(() => undefined);
    },
  });
  return { ...run, answer: await answer! };
}
const CHAT = { path: '/v1/chat/completions', body: { messages: [{ role: 'user', content: 'Hi' }], top_k: 3 } };
const MODELS = { path: '/v1/models' };

describe('clawdbot serve', () => {
  it('samples as its options say where a request does not', async () => {
    const { calls } = await serving(['m', '--temperature', '0.3', '--top-k', '9', '--top-p', '0.7', '--min-p', '0.02', '--repeat-penalty', '1.2'], CHAT);
    expect(calls.options).toMatchObject([{ temperature: 0.3, topK: 3, topP: 0.7, minP: 0.02, repetitionPenalty: 1.2 }]);
  });

  it('samples as the engine does where nobody says how', async () => {
    const { calls: { options: [options] } } = await serving(['m'], CHAT);
    for (const name of ['temperature', 'topP', 'minP'] as const) expect(options![name]).toBeUndefined();
  });

  it('warns of a model without a chat template, and shows it', async () => {
    const model = { hasChatTemplate: false, chatTemplateWarning: 'The model has no chat template.', warnings: ['contextLength is odd.', 'The model has no chat template.'] };
    const { stderr, answer } = await serving(['base'], MODELS, { model });
    expect(stderr).toMatch(/^warning: base: --context is odd\.\nwarning: base: The model has no chat template\.\n/);
    expect(answer['data']).toMatchObject([{ meta: { has_chat_template: false, chat_template_warning: model.chatTemplateWarning } }]);
    expect((await serving(['m'], MODELS)).stderr).not.toContain('warning');
  });

  it('names a model by its file, or as it is told', async () => {
    expect((await serving(['/some/where/Tiny-Q4.gguf'], MODELS)).answer['data']).toMatchObject([{ id: 'Tiny-Q4' }]);
    expect((await serving(['./x.gguf', '--alias', 'mine'], MODELS)).answer['data']).toMatchObject([{ id: 'mine' }]);
    expect((await cli(['serve', 'a', 'b', '--alias', 'c'])).stderr).toContain('ID=REFERENCE');
  });

  it('looks for the files of several models before it listens', async () => {
    const { code, stderr, calls } = await cli(['serve', 'x=./no-such.gguf', 'smollm2'], { env: { CLAWDBOT_CACHE: cacheDir } });
    expect({ code, loads: calls.loadOptions.length }).toEqual({ code: 1, loads: 0 });
    expect(stderr).toBe(`error: There is no file "${path.resolve('no-such.gguf')}". Check the path.\n`);
  });

  it('says what to do about a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await vi.waitUntil(() => other.listening);
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await cli(['serve', 'm', '--port', String(port)], { env: { CLAWDBOT_CACHE: cacheDir } });
    other.close();
    expect([code, stderr]).toEqual([1, `error: Port ${port} of 127.0.0.1 is in use. Choose another one with --port (0 takes a free one); clawdbot ps shows the servers that run.\n`]);
  });
});

describe('names of models', () => {
  const ids = (given: string[], alias?: string): string[] => namedModels(given, alias).map(({ id }) => id);

  it('are their files’, each once', () => {
    expect(ids(['a/model.gguf', 'C:\\b\\model.gguf', 'smollm2', 'https://host/x/big-00001-of-00003.gguf?x=1', 'hf:user/repo:Q4_K_M']))
      .toEqual(['model', 'model-2', 'smollm2', 'big', 'hf:user/repo:Q4_K_M']);
    expect(ids(['model.gguf', 'model=other.gguf'])).toEqual(['model-2', 'model']);
    expect(ids(['x.gguf'], 'name')).toEqual(['name']);
  });

  it('are refused where they are ambiguous', () => {
    for (const given of [['a=x', 'a=y'], ['x', 'x']]) expect(() => ids(given)).toThrow(/ID=REFERENCE/);
    for (const given of [['a=x'], ['x', 'y']]) expect(() => ids(given, 'name')).toThrow(/--alias names/);
  });

  it('are refused where no request could say them, or no line show them', () => {
    for (const alias of ['', ' ', 'a ', 'a\n', '\u001b[2J', 'x'.repeat(257)]) expect(() => ids(['x.gguf'], alias)).toThrow(/--alias must be/);
    expect(ids(['x.gguf'], 'org/My model:Q4_1')).toEqual(['org/My model:Q4_1']);
  });
});
