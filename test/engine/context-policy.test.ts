// Text longer than the context: an error, or what `contextPolicy: 'slide'` leaves out of it, held to a model that is given just that.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fitMessages, NUM_SINKS } from '../../src/engine/context-policy.ts';
import { ContextLengthError, Engine, InvalidArgumentError } from '../../src/index.ts';
import type { Engine as LoadedEngine, GenerateOptions } from '../../src/index.ts';
import { atOnce } from '../../src/steps.ts';
import type { Steps } from '../../src/steps.ts';
import { inRepository } from '../support/fixtures.ts';
import { openModel } from '../support/run-model.ts';
import type { TestModel } from '../support/run-model.ts';
import { wasmTestBackend } from '../support/wasm-backend.ts';

const CONTEXT = 96;
const MODEL = inRepository('test/data/arch', 'gemma2.gguf');
const GREEDY = { temperature: 0, ignoreEos: true } as const;
const text = (count: number): number[] => Array.from({ length: count }, (_, i) => 40 + ((i * i + 3 * i) % 200));

describe('a text that outgrows its context', () => {
  let engine: LoadedEngine, model: TestModel;

  beforeAll(async () => {
    engine = await Engine.load(MODEL, { threads: 2, contextLength: CONTEXT, maxBatchTokens: 32, deterministic: true });
    const limits = { maxBatchTokens: CONTEXT, maxOutputs: CONTEXT, contextLength: CONTEXT };
    model = await openModel(MODEL, wasmTestBackend('baseline'), { kvType: 'i16', limits });
  });
  afterAll(() => engine.dispose());

  const nextId = (ids: readonly number[]): number => {
    const logits = model.forward(ids.map((token, position) => ({ sequence: 0, position, token }))).at(-1)!;
    return logits.reduce((best, value, id) => (value > logits[best] ? id : best), 0);
  };

  /** Greedy text of a model that is shown, whenever the context is full, its first ids and the later half of the rest. */
  function sliding(prompt: readonly number[], count: number): { ids: number[]; dropped: number } {
    const ids: number[] = [];
    let [seen, dropped] = [[...prompt], 0];
    for (let i = 0; i < count; i++) {
      if (seen.length === CONTEXT) {
        const half = Math.floor((CONTEXT - NUM_SINKS) / 2);
        seen = [...seen.slice(0, NUM_SINKS), ...seen.slice(-half)];
        dropped += CONTEXT - NUM_SINKS - half;
      }
      const id = nextId(seen);
      ids.push(id);
      seen.push(id);
    }
    return { ids, dropped };
  }

  const SPECULATIONS: readonly GenerateOptions['speculation'][] = [undefined, { lookup: true }];

  it.each(SPECULATIONS)('goes on without its oldest part (speculation %o)', async (speculation) => {
    const prompt = text(60);
    const expected = sliding(prompt, 110);
    const completion = await engine.complete(prompt, { ...GREEDY, maxTokens: 110, contextPolicy: 'slide', speculation });
    expect(completion.ids).toEqual(expected.ids);
    expect(completion.timings).toMatchObject({ newTokens: 110, droppedTokens: expected.dropped });
    expect(expected.dropped).toBeGreaterThan(60);
  });

  it('does so for several answers and requests at a time', async () => {
    const prompts = [text(90), text(33)];
    const options = { ...GREEDY, maxTokens: 60, contextPolicy: 'slide', n: 2 } as const;
    const completions = await Promise.all(prompts.map((prompt) => engine.complete(prompt, options)));
    completions.forEach(({ choices }, i) => {
      for (const { ids } of choices) expect(ids).toEqual(sliding(prompts[i], 60).ids);
    });
  });

  it('takes the first and the last ids of a prompt that does not fit, and says how many it left out', async () => {
    const { promptIds, timings } = await engine.complete(text(300), { ...GREEDY, maxTokens: 10, contextPolicy: 'slide' });
    expect(promptIds).toEqual([...text(300).slice(0, NUM_SINKS), ...text(300).slice(-(CONTEXT - 10 - NUM_SINKS))]);
    expect(timings.droppedTokens).toBe(300 - (CONTEXT - 10));
  });

  it('is an error unless told otherwise', async () => {
    const error = await engine.complete(text(CONTEXT)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ContextLengthError);
    expect(error).toMatchObject({ requested: CONTEXT + 1, contextLength: CONTEXT });
    const { ids, finishReason } = await engine.complete(text(90), { ...GREEDY, maxTokens: 50 });
    expect([ids.length, finishReason]).toEqual([CONTEXT - 90, 'length']);
    await expect(engine.complete(text(3), { contextPolicy: 'cut' as 'slide' })).rejects.toThrow(InvalidArgumentError);
  });
});

describe('a conversation that does not fit', () => {
  /** A token a letter, and one for each message. */
  const render = (messages: readonly { readonly role: string; readonly content?: unknown }[]): number[] =>
    messages.flatMap(({ role, content }) => [role.charCodeAt(0), ...[...(content as string)].map((letter) => letter.charCodeAt(0))]);
  const renderSteps = function* (messages: Parameters<typeof render>[0]): Steps<number[]> {
    yield;
    return render(messages);
  };
  const SYSTEM = { role: 'system', content: 'be brief' };
  const turn = (i: number): { role: string; content: string }[] => [
    { role: 'user', content: `question ${i}` }, { role: 'assistant', content: `answer ${i}` }, { role: 'tool', content: `result ${i}` },
  ];
  const LAST = { role: 'user', content: 'and now?' };
  const conversation = (numTurns: number) => [SYSTEM, ...Array.from({ length: numTurns }, (_, i) => turn(i)).flat(), LAST];

  it.each([0, 1, 2, 3, 5, 8])('loses whole turns, the oldest first and as few as possible (%i turns)', (numTurns) => {
    const messages = conversation(numTurns);
    for (let contextLength = 30; contextLength < 320; contextLength += 7) {
      const { ids, numDropped } = atOnce(fitMessages(messages, contextLength, 10, renderSteps));
      const lost = Array.from({ length: numTurns + 1 }, (_, count) => count)
        .find((count) => render([SYSTEM, ...messages.slice(1 + 3 * count)]).length <= contextLength - 10) ?? numTurns;
      expect(ids).toEqual(render([SYSTEM, ...messages.slice(1 + 3 * lost)]));
      expect(numDropped).toBe(render(messages).length - ids.length);
    }
  });

  it('keeps its system message when it slides further', () => {
    expect(atOnce(fitMessages(conversation(2), 500, 10, renderSteps)).numSinks).toBeGreaterThanOrEqual(render([SYSTEM]).length);
    expect(atOnce(fitMessages([LAST], 500, 10, renderSteps)).numSinks).toBe(NUM_SINKS);
  });

  it('is an error where system message and last turn alone are too long', () => {
    expect(() => atOnce(fitMessages(conversation(4), 12, 3, renderSteps))).toThrow(ContextLengthError);
  });
});
