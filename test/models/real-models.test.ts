// Real weights against llama.cpp: greedy ids, perplexity, and the properties that must hold on any model.
// The references in test/data/reference come from bench/peers/reference.mjs.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type { Engine as LoadedEngine } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { realModel, referenceText } from '../support/real-models.ts';

interface Reference {
  readonly prompts: readonly { text: string; promptIds: number[]; ids: number[]; gaps: number[] }[];
  readonly perplexity: { windows: number; contextLength: number; tokens: number; meanNll: number; perplexity: number };
}

/** Below this gap between the two likeliest tokens, in nats (= logits), either may win. */
const NEAR_TIE = 0.05;
const TEXT = referenceText('wikitext-2-test.txt');

for (const name of ['smollm2', 'gemma3-270m']) {
  const path = await realModel(name);
  describe.skipIf(path === undefined)(`${name} against llama.cpp`, () => {
    const reference = JSON.parse(readFileSync(inRepository('test/data/reference', `${name}.json`), 'utf8')) as Reference;
    let engine: LoadedEngine;

    beforeAll(async () => {
      engine = await Engine.load(path!, { threads: 2 });
    });
    afterAll(() => engine.dispose());

    it.each(reference.prompts)('continues $text as llama.cpp does', async ({ text, promptIds, ids, gaps }) => {
      expect(engine.tokenize(text)).toEqual(promptIds);
      const { ids: ours } = await engine.complete(promptIds, { temperature: 0, maxTokens: ids.length, ignoreEos: true });
      const parting = ids.findIndex((id, i) => id !== ours[i]);
      if (parting >= 0) expect(gaps[parting], `parts at step ${parting}`).toBeLessThan(NEAR_TIE);
    });

    it.skipIf(TEXT === undefined)('has the perplexity that llama.cpp measures, within 0.5 %', async () => {
      const { windows, contextLength, tokens, perplexity } = reference.perplexity;
      const ids = engine.tokenize(readFileSync(TEXT!, 'utf8'), { addSpecial: false });
      const { bosId, addBos } = engine.tokenizer;
      let nll = 0;
      let scored = 0;
      for (let w = 0; w < windows; w++) {
        const window = ids.slice(w * contextLength, (w + 1) * contextLength);
        if (addBos) window[0] = bosId!;
        const result = await engine.score(window, { from: contextLength / 2 });
        nll += result.nll;
        scored += result.tokenNlls.length;
      }
      expect(scored).toBe(tokens);
      expect(Math.abs(Math.exp(nll / scored) / perplexity - 1)).toBeLessThan(0.005);
    });
  });
}
