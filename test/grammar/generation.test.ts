// Generation by a grammar: what comes out matches it, whatever the model, the tokenizer and the way of sampling.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, GrammarError, InvalidArgumentError } from '../../src/index.ts';
import type { Engine as LoadedEngine, GenerateOptions } from '../../src/index.ts';
import { caseFile } from '../support/architecture-cases.ts';

const GRAMMAR = 'root ::= "[" item ("," item){0,2} "]" "."?\nitem ::= [a-z]{1,4} | "é"+ | "\\"" [^"\\\\]{0,5} "\\""';
const MATCH = /^\[([a-z]{1,4}|é+|"[^"\\]{0,5}")(,([a-z]{1,4}|é+|"[^"\\]{0,5}")){0,2}\]\.?$/u;
const PROMPT = [5, 6, 7, 5, 6, 7];

describe.each(['gpt2', 'llama-tied', 'gemma2', 'mpt', 'falcon'])('%s', (name) => {
  let engine: LoadedEngine;

  beforeAll(async () => {
    engine = await Engine.load(caseFile(`${name}.gguf`), { threads: 1, contextLength: 64 });
  });
  afterAll(() => engine.dispose());

  const settings: Record<string, GenerateOptions> = {
    greedy: { temperature: 0 },
    'top k': { temperature: 1.5, topK: 40 },
    'all tokens': { temperature: 2, topK: 0, topP: 1, minP: 0 },
    mirostat: { mirostat: 2, temperature: 1 },
    penalties: { temperature: 1, repetitionPenalty: 1.5, dryMultiplier: 1 },
    'few of the likeliest': { temperature: 1, topK: 2 },
  };
  it.each(Object.entries(settings))('%s', async (_name, options) => {
    for (let seed = 0; seed < 8; seed++) {
      const { text, finishReason } = await engine.complete(PROMPT, { grammar: GRAMMAR, maxTokens: 50, seed, ...options });
      if (finishReason === 'stop') expect(text).toMatch(MATCH);
      else expect(text.length).toBeGreaterThan(8);
    }
  });

  it('says the same with and without speculation, alone and beside others, and streamed', async () => {
    const options: GenerateOptions = { grammar: 'root ::= ("ab" | "ba" | "c")+ "."', temperature: 1, seed: 3, maxTokens: 40, n: 2 };
    const plain = await engine.complete(PROMPT, options);
    const drafted = await engine.complete(PROMPT, { ...options, speculation: { lookup: { minNgram: 1, maxDraft: 8 } } });
    expect(drafted.choices).toEqual(plain.choices);
    const others = await Promise.all([options, options, { ...options, grammar: GRAMMAR }].map((each) => engine.complete(PROMPT, each)));
    expect(others[0]!.choices).toEqual(plain.choices);
    expect(others[1]!.choices).toEqual(plain.choices);
    let text = '';
    for await (const chunk of engine.generate(PROMPT, { ...options, n: 1 })) text += chunk.text;
    expect(text).toBe(plain.text);
  });

  it('ends where the grammar does, and not before', async () => {
    const { text, finishReason, ids } = await engine.complete(PROMPT, { grammar: 'root ::= "abc" [0-9]{2}', temperature: 1 });
    expect(text).toMatch(/^abc\d\d$/);
    expect(finishReason).toBe('stop');
    expect(ids.some((id) => engine.tokenizer.endIds.has(id))).toBe(false);
    const { text: forever } = await engine.complete(PROMPT, { grammar: 'root ::= "ab"*', ignoreEos: true, maxTokens: 20, temperature: 1 });
    expect(forever.length).toBeGreaterThanOrEqual(20);
  });

  it('respects stop strings and log-probabilities', async () => {
    const options = { grammar: 'root ::= "abc.def"', temperature: 0 };
    const { text, finishReason } = await engine.complete(PROMPT, { ...options, stop: '.' });
    expect([text, finishReason]).toEqual(['abc', 'stop']);
    const { choices: [choice] } = await engine.complete(PROMPT, { ...options, logprobs: 2 });
    expect(choice!.logprobs!.map((each) => each.id)).toEqual(choice!.ids);
    expect(choice!.logprobs!.every((each) => each.logprob <= 0 && each.top.length === 2)).toBe(true);
  });

  it('says at once what is wrong', async () => {
    await expect(engine.complete(PROMPT, { grammar: 'root ::= missing' })).rejects.toThrow(GrammarError);
    await expect(engine.complete(PROMPT, { grammar: 5 as unknown as string })).rejects.toThrow(InvalidArgumentError);
    const { text } = await engine.complete(PROMPT, { grammar: 'root ::= "ok"' });
    expect(text).toBe('ok');
  });

  it('fails one request alone when its grammar turns out too ambiguous', async () => {
    const rules = Array.from({ length: 9000 }, (_, i) => `r${i} ::= "a" r${i} | "a" "b${i}"`).join('\n');
    const grammar = `root ::= ${Array.from({ length: 9000 }, (_, i) => `r${i}`).join(' | ')}\n${rules}`;
    const [bad, good] = await Promise.allSettled([engine.complete(PROMPT, { grammar }), engine.complete(PROMPT, { grammar: 'root ::= "ok"' })]);
    expect(bad.status === 'rejected' && bad.reason).toBeInstanceOf(GrammarError);
    expect(good.status === 'fulfilled' && good.value.text).toBe('ok');
  });
});
