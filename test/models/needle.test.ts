// A number hidden in a long text: found exactly wherever llama.cpp finds it. The references come from bench/peers/needle.mjs.
// One haystack of 4,000 tokens by default; `npm run test:needle` takes all of them, up to 8,000 (minutes).
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type { Engine as LoadedEngine } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { realModel } from '../support/real-models.ts';

interface Haystacks {
  readonly introduction: string;
  readonly sentences: readonly string[];
  readonly needle: string;
  readonly question: string;
  readonly cases: readonly Haystack[];
}
interface Haystack {
  readonly length: number;
  readonly number: number;
  readonly numBefore: number;
  readonly numAfter: number;
  readonly numIds: number;
  readonly answerIds: readonly number[];
  readonly answer: string;
}

const path = await realModel('smollm2');
const { introduction, sentences, needle, question, cases } =
  JSON.parse(readFileSync(inRepository('test/data/reference/needle-smollm2.json'), 'utf8')) as Haystacks;
const wanted = process.env['CLAWDBOT_NEEDLES'] === 'all' ? cases : cases.filter(({ length }) => length === 4000).slice(-1);

function textOf({ numBefore, numAfter, number }: Haystack): string {
  const text = Array.from({ length: numBefore + numAfter }, (_, i) => sentences[i % sentences.length]!);
  text.splice(numBefore, 0, needle.replaceAll('{number}', String(number)));
  return introduction + text.join(' ') + question;
}

describe.skipIf(path === undefined)('a number hidden in a text, smollm2', { timeout: 900_000 }, () => {
  let engine: LoadedEngine;

  beforeAll(async () => {
    engine = await Engine.load(path!, { threads: 2, contextLength: 8192, maxSequences: 1 });
  });
  afterAll(() => engine.dispose());

  it.each(wanted)('is found among $length tokens after $numBefore sentences as llama.cpp finds it: $number', async (haystack) => {
    const { number, numIds, answerIds, answer } = haystack;
    const ids = engine.tokenize(textOf(haystack));
    expect(ids).toHaveLength(numIds);
    const { text } = await engine.complete(ids, { temperature: 0, maxTokens: answerIds.length, ignoreEos: true });
    // Where llama.cpp itself goes wrong, there is no right answer to hold ours to.
    if (answer.trim().startsWith(String(number))) expect(text.trim()).toMatch(new RegExp(`^${number}\\b`));
    else console.warn(`llama.cpp answers ${JSON.stringify(answer)} for ${number}; here it is ${JSON.stringify(text)}.`);
  });

  it('is one that llama.cpp finds in most of the texts', () => {
    const found = cases.filter(({ answer, number }) => answer.trim().startsWith(String(number)));
    expect(found.length).toBeGreaterThanOrEqual(cases.length - 1);
  });
});
