// A real conversation: each turn computes what is new, also from a saved session; a cached prompt's first token takes a step.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type { ChatMessage, Engine as LoadedEngine } from '../../src/index.ts';
import { realModel } from '../support/real-models.ts';

const path = await realModel('smollm2');
const OPTIONS = { threads: 2, contextLength: 2048 };
const GREEDY = { temperature: 0, maxTokens: 40 };
const QUESTIONS = ['Name three colours of the rainbow.', 'Which of them is the warmest?', 'Write one sentence about it.'];
const SYSTEM: ChatMessage = {
  role: 'system', content: 'You are a patient teacher. You answer in short sentences, and you never repeat the question. '.repeat(6),
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe.skipIf(path === undefined)('a conversation with smollm2', () => {
  let engine: LoadedEngine;
  const replies: string[] = [];

  /** The conversation before its question number `turn`, then that question. */
  const messages = (turn: number): ChatMessage[] => [
    SYSTEM,
    ...QUESTIONS.slice(0, turn).flatMap((content, i): ChatMessage[] =>
      [{ role: 'user', content }, { role: 'assistant', content: replies[i]! }]),
    { role: 'user', content: QUESTIONS[turn]! },
  ];

  beforeAll(async () => {
    engine = await Engine.load(path!, OPTIONS);
    for (const [turn] of QUESTIONS.entries()) replies.push((await engine.complete(messages(turn), GREEDY)).text);
  });
  afterAll(() => engine.dispose());

  it('computes of each turn what is new, and says what it says without a cache', async () => {
    await using cached = await Engine.load(path!, OPTIONS);
    await using plain = await Engine.load(path!, { ...OPTIONS, prefixCacheBytes: 0 });
    for (const [turn, question] of QUESTIONS.entries()) {
      const { text, timings } = await cached.complete(messages(turn), GREEDY);
      expect(text).toBe(replies[turn]);
      expect((await plain.complete(messages(turn), GREEDY)).text).toBe(text);
      if (turn === 0) continue;
      // The markup between two turns, and the last token of a reply, which was said and never computed.
      const numNew = cached.tokenize(question).length + 16;
      expect(timings.promptTokens - timings.cachedTokens).toBeLessThanOrEqual(numNew);
    }
  });

  it('goes on from a saved session as if it had never stopped', async () => {
    const { bytes, numTokens } = await engine.saveSession(messages(2).slice(0, -1), { note: JSON.stringify(messages(2)) });
    await using other = await Engine.load(path!, { ...OPTIONS, threads: 1 });
    const { note } = await other.loadSession(bytes);
    const { text, timings } = await other.complete(JSON.parse(note) as ChatMessage[], GREEDY);
    expect(text).toBe(replies[2]);
    expect(timings.cachedTokens).toBe(numTokens);
  });

  it('takes one step of decoding to the first token of a prompt of 512 tokens that is cached', async () => {
    const prompt = Array.from({ length: 512 }, (_, i) => 1000 + ((i * 37) % 5000));
    const options = { temperature: 0, maxTokens: 24, ignoreEos: true };
    await engine.complete(prompt, options);
    const [firstMs, stepMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < 7; round++) {
      const { timings } = await engine.complete(prompt, options);
      expect(timings.cachedTokens).toBe(511);
      firstMs.push(timings.ttftMs);
      stepMs.push(1000 / timings.decodeTokensPerSecond);
    }
    // Besides the step: the request's way to the workers, and the prompt's way through the sampler.
    expect(median(firstMs)).toBeLessThan(2 * median(stepMs) + 5);
  });
});
