// clawdbot chat on a fake engine, with a script on standard input.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { ContextLengthError, SessionError, UnsupportedModelError } from '../../src/errors.ts';
import { Engine } from '../../src/index.ts';
import type { Prompt } from '../../src/engine/types.ts';
import { inRepository } from '../support/fixtures.ts';
import { cli } from './surroundings.ts';
import type { CliSettings } from './surroundings.ts';

const dir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-chat-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const chat = (lines: readonly string[], settings: CliSettings = {}, ...args: string[]) =>
  cli(['chat', '-m', 'm.gguf', ...args], { input: lines.map((line) => `${line}\n`).join(''), ...settings });
const user = (content: string) => ({ role: 'user', content });
const assistant = { role: 'assistant', content: 'Hello there' };

describe('chat', () => {
  it('remembers the conversation', async () => {
    const { code, stdout, calls } = await chat(['one', 'two'], {}, '--system', 'Be kind.', '--temp', '0');
    const system = { role: 'system', content: 'Be kind.' };
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hello there\nHello there\n' });
    expect(calls.prompts).toEqual([[system, user('one')], [system, user('one'), assistant, user('two')]]);
    expect(calls.options[0]).toMatchObject({ temperature: 0 });
    expect(calls.disposed).toBe(1);
  });

  it('bounds a reply, and asks the default model for no endless repetition', async () => {
    const optionsOf = async (...args: string[]) => (await cli(['chat', ...args], { input: 'hi\n' })).calls.options[0];
    expect(await optionsOf()).toMatchObject({ maxTokens: 1024, temperature: 0, repetitionPenalty: 1.1 });
    const stated = await optionsOf('--temp', '0.8', '-n', '5');
    expect(stated).toMatchObject({ maxTokens: 5, temperature: 0.8 });
    const others = await optionsOf('-m', 'm.gguf');
    for (const options of [stated, others]) expect(options).not.toHaveProperty('repetitionPenalty');
    expect(others).toMatchObject({ maxTokens: 1024 });
  });

  it('joins lines that end with a backslash, and skips empty ones', async () => {
    const { calls } = await chat(['a\\', 'b\\', 'c', '', '   ']);
    expect(calls.prompts).toEqual([[user('a\nb\nc')]]);
  });

  it('answers the last line also where its end is missing', async () => {
    expect((await cli(['chat', '-m', 'm.gguf'], { input: 'hi' })).calls.prompts).toEqual([[user('hi')]]);
  });

  it('starts anew with /clear and /system', async () => {
    const { calls, stdout } = await chat(['one', '/clear', 'two', '/system Be rude.', '/system', 'three']);
    expect(calls.prompts[1]).toEqual([user('two')]);
    expect(calls.prompts[2]).toEqual([{ role: 'system', content: 'Be rude.' }, user('three')]);
    expect(stdout).toContain('Be rude.\n');
  });

  it('saves and loads', async () => {
    const file = path.join(dir, 'talk.json');
    await chat(['one', `/save ${file}`], {}, '--system', 'S');
    const messages = [user('one'), assistant];
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ model: 'fake', system: 'S', messages });
    for (const { calls } of [await chat([`/load ${file}`, 'two']), await chat(['two'], {}, '--load', file)]) {
      expect(calls.prompts).toEqual([[{ role: 'system', content: 'S' }, user('one'), assistant, user('two')]]);
    }
  });

  it.each([
    '{', '[]', '{"messages":[{"role":"tool","content":"x"}]}', '{"messages":[1]}', '{"messages":[],"system":5}',
  ])('does not load %s, and goes on', async (content) => {
    const file = path.join(dir, 'bad.json');
    writeFileSync(file, content);
    const { code, stderr, calls } = await chat([`/load ${file}`, 'hi']);
    expect(stderr).toContain('is not a conversation that /save wrote');
    expect({ code, prompts: calls.prompts }).toEqual({ code: 0, prompts: [[user('hi')]] });
  });

  it('reports failures and goes on', async () => {
    const { code, stderr } = await chat(['/load /no/such/file', '/save', '/stast', '/nonsense']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/no such file[^]*Say where: \/save FILE\.[^]*Did you mean \/stats\?[^]*\/help lists them\./);
    expect(existsSync('/save')).toBe(false);
    const full = await chat(['hi'], { fail: new ContextLengthError(600, 512) });
    expect(full.stderr).toMatch(/600 tokens .* 512\. \/clear starts anew; clawdbot chat -c N/);
    expect(full.code).toBe(0);
  });

  it('says why a reply was cut, and what to do', async () => {
    const byContext = await chat(['hi'], { finishReason: 'length', model: { contextLength: 6 } });
    expect(byContext.stderr).toMatch(/^\(The context of 6 tokens is full\. \/clear .* -c N .*\)\n$/);
    const byLimit = await chat(['hi'], { finishReason: 'length' }, '-n', '2');
    expect(byLimit.stderr).toBe('(Cut off after 2 tokens; -n allows more.)\n');
    expect((await chat(['hi'])).stderr).toBe('');
  });

  it('takes only words for commands', async () => {
    const messages = ['/etc/hosts is what?', '// a comment', '/?', ' /help'];
    const { calls, stdout } = await chat(messages);
    expect(calls.prompts.map((prompt) => (prompt.at(-1) as { content: string }).content)).toEqual(messages);
    expect(stdout).toBe('Hello there\n'.repeat(4));
  });

  it('reads --load before the model, and names files that it cannot use', async () => {
    for (const [file, why] of [['/no/such/file', /no such file/], [dir, /a folder/]] as const) {
      const { code, stderr, calls } = await chat([], {}, '--load', file);
      expect({ code, loads: calls.loadOptions.length }).toEqual({ code: 1, loads: 0 });
      expect(stderr).toMatch(why);
    }
    const { stderr } = await chat([`/save ${dir}`]);
    expect(stderr).toBe(`error: Cannot write "${dir}": it is a folder.\n`);
  });

  it('tells with /stats what the conversation takes, also one that was loaded, and nothing of one that is forgotten', async () => {
    const file = path.join(dir, 'stats.json');
    writeFileSync(file, JSON.stringify({ messages: [user('one'), assistant] }));
    const { stdout } = await chat([`/load ${file}`, '/stats', '/clear', '/stats']);
    expect(stdout).toBe('14 of 512 tokens of context used\n0 of 512 tokens of context used\n');
  });

  it('leaves with /exit, whatever follows', async () => {
    const { code, calls } = await chat(['/help', '/stats', '/exit', 'never']);
    expect({ code, prompts: calls.prompts }).toEqual({ code: 0, prompts: [] });
  });

  it('stops a reply with Ctrl-C and keeps what was said', async () => {
    const input = new PassThrough();
    input.write('one\n');
    const { code, stdout, calls } = await cli(['chat', '-m', 'm.gguf'], {
      input, reply: ['Hello', ' there', ' you'], pauseMs: 50,
      during(press, output) {
        const timer = setInterval(() => {
          if (!output.text.includes('Hello')) return;
          clearInterval(timer);
          press();
          setTimeout(() => input.end('/stats\ntwo\n'), 100);
        }, 5);
      },
    });
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['Hello', '8 of 512 tokens of context used']);
    expect(calls.prompts[1]).toEqual([user('one'), { role: 'assistant', content: 'Hello' }, user('two')]);
  });

  it('leaves after Ctrl-C twice where nothing is being said', async () => {
    const { code, stderr, calls } = await cli(['chat', '-m', 'm.gguf'], {
      input: new PassThrough(),
      during(press) {
        setTimeout(press, 50);
        setTimeout(press, 80);
      },
    });
    expect(code).toBe(130);
    expect(stderr).toContain('Ctrl-C again');
    expect(calls.disposed).toBe(1);
  });
});

describe('a chat session', () => {
  const system = { role: 'system', content: 'S' };
  /** A session with the conversation in it, as /save writes it. */
  const sessionFile = async (name: string, note: unknown): Promise<string> => {
    await using engine = await Engine.load(new Uint8Array(readFileSync(inRepository('test/data/arch/qwen2.gguf'))), { threads: 1 });
    const file = path.join(dir, name);
    await engine.saveSession([40, 41, 42], { file, note: JSON.stringify(note) });
    return file;
  };

  it('is written by /save, with the text of the conversation in it', async () => {
    const file = path.join(dir, 'talk.session');
    const { stderr, calls } = await chat(['/save x', 'one', `/save ${file}`], {}, '--system', 'S');
    expect(calls.saved).toMatchObject([{ prompt: [system], file: 'x' }, { prompt: [system, user('one'), assistant], file }]);
    expect(JSON.parse(calls.saved[1].note!)).toEqual({ model: 'fake', system: 'S', messages: [user('one'), assistant] });
    expect(stderr).toContain('Saved 2 messages with the state of 9 tokens (3 MB).');
    expect((await chat(['/save x'])).stderr).toContain('nothing to save yet');
  });

  it('keeps the whole text beside the state that the context holds', async () => {
    const file = path.join(dir, 'full.session');
    const failSave = (prompt: Prompt) => (typeof prompt[0] === 'number' ? undefined : new ContextLengthError(20, 8));
    const settings = { failSave, model: { contextLength: 8 } };
    const { calls, stderr } = await chat(['one'], settings, '--session', file);
    const ids = [...'oneHello'].map((character) => character.charCodeAt(0));
    expect(calls.saved.at(-1)).toMatchObject({ prompt: ids, file });
    expect(JSON.parse(calls.saved.at(-1)!.note!)).toMatchObject({ messages: [user('one'), assistant] });
    expect(stderr).toContain('Saved 2 messages with the state of');
    const slid = await chat(['one'], settings, '--session', file, '--context-policy', 'slide');
    expect(slid.calls.saved.at(-1)).toMatchObject({ prompt: [1, 2], file });
  });

  it('is the text alone where the model has no state to save', async () => {
    const file = path.join(dir, 'recurrent.session');
    const { stderr, code } = await chat(['one'], { failSave: () => new UnsupportedModelError('It has recurrent layers.') }, '--session', file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Saved the text of 2 messages; this model’s state cannot be saved now.\n' });
    expect((await chat(['two'], {}, '--session', file)).calls.prompts).toEqual([[user('one'), assistant, user('two')]]);
  });

  it('is gone on with by /load and --load, from its text where its state is of no use', async () => {
    const file = await sessionFile('talk.session', { model: 'fake', system: 'S', messages: [user('one'), assistant] });
    for (const { calls, stderr } of [await chat([`/load ${file}`, 'two']), await chat(['two'], {}, '--load', file)]) {
      expect(calls.restored).toEqual([file]);
      expect(calls.prompts).toEqual([[system, user('one'), assistant, user('two')]]);
      expect(stderr).not.toContain('warning');
    }
    const { calls, stderr, code } = await chat(['two'], { failRestore: new SessionError('It is another model’s.') }, '--load', file);
    expect(stderr).toContain('warning: It is another model’s. The conversation goes on from its text.');
    expect({ code, prompts: calls.prompts }).toEqual({ code: 0, prompts: [[system, user('one'), assistant, user('two')]] });
  });

  it('is refused where it is cut off or holds no conversation', async () => {
    const whole = readFileSync(await sessionFile('other.session', { hello: 1 }));
    const file = path.join(dir, 'cut.session');
    writeFileSync(file, whole.subarray(0, whole.length / 2));
    expect(await chat([], {}, '--load', file)).toMatchObject({ code: 1, stderr: expect.stringContaining('is cut off') as string });
    expect((await chat([], {}, '--load', path.join(dir, 'other.session'))).stderr).toContain('not a conversation');
  });

  it('begins and ends in the file of --session', async () => {
    const file = path.join(dir, 'diary.session');
    const first = await chat(['one'], {}, '--session', file);
    expect(first.calls.saved).toMatchObject([{ prompt: [user('one'), assistant], file }]);
    const nothingSaid = await chat([], {}, '--session', await sessionFile('diary.session', { messages: [user('one'), assistant] }));
    expect(nothingSaid.calls).toMatchObject({ restored: [file], saved: [] });
    const second = await chat(['two', '/exit'], {}, '--session', file);
    expect(second.calls.prompts).toEqual([[user('one'), assistant, user('two')]]);
    expect(second.calls.saved).toMatchObject([{ file }]);
    expect(await chat([], {}, '--session', file, '--load', file)).toMatchObject({ code: 2 });
    expect(await chat([], {}, '--session', path.join(dir, 'no', 'such'))).toMatchObject({ code: 1, calls: { loadOptions: [] } });
  });
});
