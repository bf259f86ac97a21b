// Real weights against llama.cpp: greedy ids, perplexity, and the properties that must hold on any model.
// The references in test/data/reference come from bench/peers/reference.mjs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type { Engine as LoadedEngine } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { realModel, referenceText } from '../support/real-models.ts';

interface Reference {
  readonly prompts: readonly { text: string; promptIds: number[]; ids: number[]; gaps: number[]; logprobs: number[] }[];
  readonly perplexity: { windows: number; contextLength: number; tokens: number; meanNll: number; perplexity: number };
}

/** Below this lead of the likeliest token, in nats, either may win. */
const NEAR_TIE = 0.05;
/**
 * The same on quantized weights: there both engines quantize activations too, and small differences grow. On Gemma, llama.cpp's
 * own results for a prompt prefilled at once and token by token differ by up to 0.37 in a token's log-probability, and ours by
 * up to 0.75 between f16 and f32 keys and values (measured); a lead is a difference of two. The weights as float32, below,
 * are without that noise.
 */
const NEAR_TIE_QUANTIZED: Record<string, number> = { smollm2: 0.5, 'gemma3-270m': 2 };
const TEXT = referenceText('wikitext-2-test.txt');

const readReference = (name: string): Reference =>
  JSON.parse(readFileSync(inRepository('test/data/reference', `${name}.json`), 'utf8')) as Reference;

for (const name of ['smollm2', 'gemma3-270m']) {
  const path = await realModel(name);
  describe.skipIf(path === undefined)(`${name} against llama.cpp`, { timeout: 300_000 }, () => {
    const reference = readReference(name);
    let engine: LoadedEngine;

    beforeAll(async () => {
      engine = await Engine.load(path!, { threads: 2 });
    });
    afterAll(() => engine.dispose());

    it.each(reference.prompts)('continues $text as llama.cpp does', async ({ text, promptIds, ids, gaps }) => {
      expect(engine.tokenize(text)).toEqual(promptIds);
      const { ids: ours } = await engine.complete(promptIds, { temperature: 0, maxTokens: ids.length, ignoreEos: true });
      const parting = ids.findIndex((id, i) => id !== ours[i]);
      if (parting >= 0) expect(gaps[parting], `parts at step ${parting}`).toBeLessThan(NEAR_TIE_QUANTIZED[name]!);
    });

    it('finds the continuations of llama.cpp as likely as llama.cpp does', async () => {
      const differences: number[] = [];
      for (const { promptIds, ids, logprobs } of reference.prompts) {
        const { tokenNlls } = await engine.score([...promptIds, ...ids], { from: promptIds.length });
        logprobs.forEach((logprob, i) => differences.push(Math.abs(tokenNlls[i]! + logprob)));
      }
      expect(differences.length).toBe(reference.prompts.length * 48);
      expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(0.06);
      expect(Math.max(...differences)).toBeLessThan(1);
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

  describe.skipIf(path === undefined)(`${name} with its weights as float32, against llama.cpp`, { timeout: 300_000 }, () => {
    const { prompts } = readReference(`${name}-f32`);
    const folder = mkdtempSync(join(tmpdir(), 'clawdbot-test-'));
    let engine: LoadedEngine;

    beforeAll(async () => {
      const exact = join(folder, 'exact.gguf');
      execFileSync(process.execPath, [inRepository('bench/peers/exact-weights.mjs'), path!, exact]);
      engine = await Engine.load(exact, { threads: 2 });
    }, 120_000);
    afterAll(async () => {
      await engine.dispose();
      rmSync(folder, { recursive: true });
    });

    it.each(prompts)('continues $text with the same ids up to near ties', async ({ promptIds, ids, gaps }) => {
      const { ids: ours } = await engine.complete(promptIds, { temperature: 0, maxTokens: ids.length, ignoreEos: true });
      const parting = ids.findIndex((id, i) => id !== ours[i]);
      if (parting >= 0) expect(gaps[parting], `parts at step ${parting}`).toBeLessThan(NEAR_TIE);
    });

    it('finds the continuations of llama.cpp as likely as llama.cpp does', async () => {
      const differences: number[] = [];
      for (const { promptIds, ids, logprobs } of prompts) {
        const { tokenNlls } = await engine.score([...promptIds, ...ids], { from: promptIds.length });
        logprobs.forEach((logprob, i) => differences.push(Math.abs(tokenNlls[i]! + logprob)));
      }
      expect(differences.length).toBe(prompts.length * 48);
      expect(Math.max(...differences)).toBeLessThan(0.05);
    });
  });
}
