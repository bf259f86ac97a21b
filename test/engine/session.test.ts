// Saved sessions: the same output as without, what of a prompt they spare, and what is no session.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ContextLengthError, Engine, InvalidArgumentError, OutOfMemoryError, SessionError, UnsupportedModelError, bytesSource, readGguf,
} from '../../src/index.ts';
import type { Completion, Engine as LoadedEngine, LoadOptions } from '../../src/index.ts';
import { caseFile, hasCase } from '../support/architecture-cases.ts';
import { inRepository } from '../support/fixtures.ts';

const modelBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(inRepository('test/data/arch', `${name}.gguf`)));
const model = modelBytes('qwen2');
const OPTIONS: LoadOptions = { threads: 2, contextLength: 512, maxBatchTokens: 64 };
const GREEDY = { temperature: 0, ignoreEos: true, logprobs: 2, maxTokens: 24 } as const;
const text = (count: number, seed = 1): number[] => Array.from({ length: count }, (_, i) => 40 + ((i * i * seed + 3 * i) % 200));
const said = ({ ids, choices }: Completion): unknown => [ids, choices];

const dir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-session-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a session', () => {
  let engine: LoadedEngine, fresh: LoadedEngine, saved: Uint8Array<ArrayBuffer>;
  const prompt = text(150);

  beforeAll(async () => {
    engine = await Engine.load(model, OPTIONS);
    saved = (await engine.saveSession(prompt, { note: 'what was it?' })).bytes;
  });
  afterAll(() => engine.dispose());
  const restart = async (options: LoadOptions = {}): Promise<LoadedEngine> => (fresh = await Engine.load(model, { ...OPTIONS, ...options }));
  const restarted = async <T>(options: LoadOptions, use: (engine: LoadedEngine) => Promise<T>): Promise<T> => {
    await restart(options);
    try {
      return await use(fresh);
    } finally {
      await fresh.dispose();
    }
  };

  it('spares another engine the whole prompt, and changes no bit of what it says', async () => {
    const turn = [...prompt, ...text(30, 5)];
    const expected = said(await restarted({ prefixCacheBytes: 0 }, (plain) => plain.complete(turn, GREEDY)));
    for (const threads of [0, 1, 3]) {
      await restarted({ threads }, async (other) => {
        expect(await other.loadSession(saved)).toEqual({ ids: prompt, note: 'what was it?' });
        const completion = await other.complete(turn, GREEDY);
        expect(completion.timings.cachedTokens).toBe(150);
        expect(said(completion)).toEqual(expected);
        expect((await other.complete(prompt, GREEDY)).timings.cachedTokens).toBe(149);
      });
    }
  });

  it('depends on nothing but its prompt: not on what was computed before, on threads or on batches', async () => {
    for (const options of [{}, { threads: 1, maxBatchTokens: 7 }, { threads: 3, prefixCacheBytes: 0 }]) {
      await restarted(options, async (other) => {
        await other.complete([...text(140), ...text(60, 9)], { ...GREEDY, n: 2 });
        await other.complete(text(300, 11), GREEDY);
        expect((await other.saveSession(prompt, { note: 'what was it?' })).bytes).toEqual(saved);
      });
    }
  });

  it.each([1, 31, 32, 33, 64])('of %i ids is restored whole', async (count) => {
    const ids = text(count, 3);
    const { bytes, numTokens, byteLength } = await engine.saveSession(ids);
    expect([numTokens, byteLength]).toEqual([count, bytes.length]);
    await restarted({}, async (other) => {
      await other.loadSession(bytes);
      expect((await other.complete([...ids, 50], GREEDY)).timings.cachedTokens).toBe(count);
    });
  });

  it.each(['f32', 'f16', 'q8_0'] as const)('holds %s keys and values, and is refused where others are', async (kvType) => {
    const turn = [...prompt, 60];
    const bytes = await restarted({ kvType }, async (other) => (await other.saveSession(prompt)).bytes);
    const expected = said(await restarted({ kvType, prefixCacheBytes: 0 }, (plain) => plain.complete(turn, GREEDY)));
    await restarted({ kvType }, async (other) => {
      await other.loadSession(bytes);
      expect(said(await other.complete(turn, GREEDY))).toEqual(expected);
    });
    await expect(engine.loadSession(bytes)).rejects.toThrow(new RegExp(`holds ${kvType} keys .* loaded with i16\\. .* kvType "${kvType}"`));
  });

  it('is a file that is there whole or not at all', async () => {
    const file = path.join(dir, 'chat.session');
    expect(await engine.saveSession(prompt, { file, note: 'what was it?' })).toEqual({ numTokens: 150, byteLength: saved.length });
    expect(new Uint8Array(readFileSync(file))).toEqual(saved);
    expect((await engine.loadSession(file)).ids).toEqual(prompt);
    expect((await engine.loadSession(new Blob([saved]))).ids).toEqual(prompt);
    await engine.saveSession(text(20), { file });
    expect((await engine.loadSession(file)).ids).toEqual(text(20));
    await expect(engine.saveSession(prompt, { file: path.join(dir, 'no', 'such') })).rejects.toThrow(SessionError);
    const controller = new AbortController();
    const saving = engine.saveSession(text(400, 2), { file, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(saving).rejects.toThrow('enough');
    expect((await engine.loadSession(file)).ids).toEqual(text(20));
    expect(readdirSync(dir)).toEqual(['chat.session']);
  });

  it('is saved and restored beside running requests, which it does not change', async () => {
    const prompts = [text(90, 21), text(90, 23), text(200, 25)];
    const expected: unknown[] = [];
    for (const ids of prompts) expected.push(said(await engine.complete(ids, GREEDY)));
    const [results, , again] = await Promise.all([
      Promise.all(prompts.map((ids) => engine.complete(ids, GREEDY))),
      engine.loadSession(saved),
      engine.saveSession(prompt, { note: 'what was it?' }),
    ]);
    expect(results.map(said)).toEqual(expected);
    expect(again.bytes).toEqual(saved);
  });

  it('that is aborted at any point leaves its blocks to others', async () => {
    const whole = { ...GREEDY, maxTokens: 2 };
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const work = i % 2 === 0 ? engine.saveSession(text(400, 30 + i), { signal: controller.signal })
        : engine.loadSession(saved, { signal: controller.signal });
      setTimeout(() => controller.abort(new Error('enough')), i / 2);
      await work.catch((error: unknown) => expect(error).toMatchObject({ message: 'enough' }));
    }
    // Four sequences of the whole context fit only if nobody else holds a block.
    await Promise.all([1, 2, 3, 4].map((i) => engine.complete(text(510, 60 + i), whole)));
    expect((await engine.saveSession(prompt, { note: 'what was it?' })).bytes).toEqual(saved);
  });

  it('is refused whose bytes are cut off, longer or changed, with no trace left', async () => {
    await restarted({}, async (other) => {
      for (const length of [0, 7, 8, 63, 64, 200, 1000, saved.length / 2, saved.length - 5, saved.length - 1]) {
        await expect(other.loadSession(saved.slice(0, length)), `${length} bytes`).rejects.toThrow(SessionError);
      }
      await expect(other.loadSession(new Uint8Array([...saved, 0]))).rejects.toThrow(/goes on after its end/);
      for (let at = 0; at < saved.length; at += at < 1000 ? 1 : 4999) {
        const changed = saved.slice();
        changed[at]! ^= 0x10;
        await expect(other.loadSession(changed), `byte ${at}`).rejects.toThrow(SessionError);
      }
      expect((await other.complete(prompt, GREEDY)).timings.cachedTokens).toBe(0);
    });
  });

  it('that lies about its lengths is refused before anything is allocated', async () => {
    for (const at of [12, 48, 52, 56]) {
      const changed = saved.slice();
      new DataView(changed.buffer).setUint32(at, 0xfffffff0, true);
      await expect(engine.loadSession(changed)).rejects.toThrow(/lengths contradict each other/);
    }
  });

  it('of another model, or of a later version, is refused', async () => {
    await using other = await Engine.load(modelBytes('llama-tied'), OPTIONS);
    await expect(other.loadSession(saved)).rejects.toThrow(/another model/);
    const later = saved.slice();
    new DataView(later.buffer).setUint32(8, 2, true);
    await expect(engine.loadSession(later)).rejects.toThrow(/version 2; this package reads version 1/);
    // The same architecture, shapes and vocabulary with one weight changed.
    const { offset, byteLength } = (await readGguf(bytesSource(model))).tensor('blk.1.attn_q.weight')!;
    const tuned = model.slice();
    for (let i = 0; i < byteLength; i += 4) tuned[offset + i]! ^= 1;
    await using finetuned = await Engine.load(tuned, OPTIONS);
    await expect(finetuned.loadSession(saved)).rejects.toThrow(/another model/);
  });

  it.each([
    'hello', new TextEncoder().encode('CLAWSESS'), model, new Uint8Array(4096), '/no/such/file', os.tmpdir(),
  ])('is not %s', async (source) => {
    await expect(engine.loadSession(typeof source === 'string' && source === 'hello' ? new Blob([source]) : source))
      .rejects.toThrow(SessionError);
  });

  it('is not written where there is no folder, and the error names the file that was asked for', async () => {
    const file = path.join(dir, 'no', 'folder', 'x.session');
    const error = await engine.saveSession(prompt, { file }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SessionError);
    expect((error as Error).message).toContain(`'${file}'`);
    expect((error as Error).message).not.toContain('.tmp');
  });

  it('needs room: in the context, and in what may be kept', async () => {
    await restarted({ contextLength: 128 }, async (small) => {
      await expect(small.loadSession(saved)).rejects.toThrow(ContextLengthError);
      await expect(small.saveSession(prompt)).rejects.toThrow(ContextLengthError);
    });
    await restarted({ prefixCacheBytes: 10_000 }, async (forgetful) => {
      await expect(forgetful.loadSession(saved)).rejects.toThrow(OutOfMemoryError);
    });
  });

  it('is refused by what cannot be restored, and with options that do not exist', async () => {
    await using encoder = await Engine.load(modelBytes('bert-mean'), { threads: 1 });
    await expect(encoder.saveSession([5, 6])).rejects.toThrow(UnsupportedModelError);
    await expect(engine.saveSession(prompt, { path: 'x' } as never)).rejects.toThrow(InvalidArgumentError);
    await expect(engine.saveSession(prompt, { file: '' })).rejects.toThrow(InvalidArgumentError);
    await expect(engine.saveSession([])).rejects.toThrow(InvalidArgumentError);
    await expect(engine.loadSession(5 as never)).rejects.toThrow(InvalidArgumentError);
  });

  it.skipIf(!hasCase('mamba'))('is refused by recurrent models', async () => {
    await using recurrent = await Engine.load(caseFile('mamba.gguf'), OPTIONS);
    await expect(recurrent.saveSession(prompt)).rejects.toThrow(/recurrent layers/);
  });

  it('fails with the engine that is disposed of', async () => {
    const other = await restart();
    const outcomes = Promise.allSettled([other.saveSession(text(400)), other.loadSession(saved)]);
    await other.dispose();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_ENGINE_STOPPED' } });
  });
});
