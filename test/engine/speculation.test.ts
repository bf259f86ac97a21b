// Speculative decoding changes how fast tokens come and nothing else.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlockPool } from '../../src/engine/memory/block-pool.ts';
import { schedule } from '../../src/engine/steps/scheduler.ts';
import { Sequence } from '../../src/engine/steps/sequence.ts';
import { LookupDrafter } from '../../src/engine/speculation/lookup-drafter.ts';
import { NgramIndex } from '../../src/engine/speculation/ngram-index.ts';
import { lookupSettings } from '../../src/engine/speculation/options.ts';
import { Engine, InvalidArgumentError, UnsupportedModelError } from '../../src/index.ts';
import type { GenerateOptions, LoadOptions } from '../../src/index.ts';
import { caseFile, hasCase } from '../support/architecture-cases.ts';
import { realModel } from '../support/real-models.ts';

/** What followed the latest earlier occurrence of the longest end, found by looking everywhere. */
function naiveContinuation(ids: readonly number[], maxNgram: number, minNgram: number, count: number): number[] {
  for (let n = Math.min(maxNgram, ids.length); n >= minNgram; n--) {
    for (let end = ids.length - 1; end >= n; end--) {
      if (!ids.slice(end - n, end).every((id, i) => id === ids[ids.length - n + i])) continue;
      const draft = [...ids];
      for (let i = 0; i < count; i++) draft.push(draft[end + i]!);
      return draft.slice(ids.length);
    }
  }
  return [];
}

describe('NgramIndex', () => {
  it('finds what a search through everything finds, after every id', () => {
    const case_ = fc.record({
      ids: fc.array(fc.oneof(fc.nat(2), fc.constantFrom(2 ** 18, 2 ** 24 - 1)), { maxLength: 60 }),
      maxNgram: fc.integer({ min: 1, max: 5 }), minNgram: fc.integer({ min: 1, max: 5 }), count: fc.nat(9),
    });
    fc.assert(fc.property(case_, ({ ids, maxNgram, minNgram, count }) => {
      const index = new NgramIndex(maxNgram);
      ids.forEach((id, i) => {
        index.push(id);
        const expected = naiveContinuation(ids.slice(0, i + 1), maxNgram, minNgram, count);
        expect(index.continuation(minNgram, count)).toEqual(expected);
      });
    }));
  });

  it('takes the same time per id at the end of a long text as at its beginning', () => {
    const index = new NgramIndex(3);
    // A search from the end would look at all of the 200 000 ids for each: many minutes.
    for (let i = 0; i < 200_000; i++) {
      index.push((i * i) % 50_021);
      index.continuation(2, 8);
    }
    expect(index.length).toBe(200_000);
  }, 20_000);
});

describe('LookupDrafter', () => {
  const settings = { maxNgram: 3, minNgram: 1, maxDraft: 8 };
  const repeating = Array.from({ length: 40 }, (_, i) => i % 4);

  it('drafts more after success and less after failure', () => {
    const drafter = new LookupDrafter(settings);
    const lengths: number[] = [];
    for (let i = 0; i < 4; i++) {
      lengths.push(drafter.draft(repeating, 100).length);
      drafter.learn(lengths[i]!, lengths[i]!);
    }
    expect(lengths).toEqual([7, 8, 8, 8]);
    drafter.learn(8, 6);
    expect(drafter.draft(repeating, 100)).toHaveLength(8);
    drafter.learn(8, 2);
    expect(drafter.draft(repeating, 100)).toHaveLength(7);
  });

  it('loses next to nothing where drafts are always wrong, and drafts again when they are right', () => {
    const drafter = new LookupDrafter(settings);
    let wrong = 0;
    for (let i = 0; i < 1000; i++) {
      const { length } = drafter.draft(repeating, 100);
      drafter.learn(length, 0);
      if (length > 0) wrong++;
    }
    expect(wrong).toBeGreaterThan(10);
    expect(wrong).toBeLessThan(20);
    let drafted = 0;
    for (let i = 0; i < 100; i++) {
      const { length } = drafter.draft(repeating, 100);
      drafter.learn(length, length);
      drafted += length;
    }
    expect(drafted).toBeGreaterThan(400);
  });

  it('never drafts more than it may', () => {
    const drafter = new LookupDrafter(settings);
    for (let i = 0; i < 5; i++) drafter.learn(3, 3);
    expect(drafter.draft(repeating, 3)).toEqual([0, 1, 2]);
    expect(drafter.draft(repeating, 0)).toEqual([]);
  });
});

describe('a sequence with a draft', () => {
  const limits = { maxTokens: 16, maxOutputs: 8, promptRows: 512, promptRowsBesideDecode: 128 };
  const decoding = (pool: BlockPool, draft: readonly number[]): Sequence => {
    const sequence = new Sequence(0, [5, 6, 7], pool);
    sequence.reserve(3);
    sequence.numComputed = 2;
    sequence.draft = draft;
    return sequence;
  };

  it('is scheduled after every other sequence has its row, within rows and results', () => {
    const pool = new BlockPool(100);
    const sequences = [decoding(pool, [1, 2, 3, 4, 5]), decoding(pool, [1, 2]), decoding(pool, [])];
    const rows = (maxTokens: number, maxOutputs: number): number[] =>
      schedule(sequences, { ...limits, maxTokens, maxOutputs }).map((part) => part.numTokens);
    expect(rows(16, 16)).toEqual([6, 3, 1]);
    expect(rows(16, 5)).toEqual([3, 1, 1]);
    expect(rows(4, 16)).toEqual([2, 1, 1]);
    expect(rows(2, 16)).toEqual([1, 1]);
    for (const part of schedule(sequences, limits)) expect(part.numOutputs).toBe(part.numTokens);
  });

  it('goes back to what was chosen', () => {
    const sequence = decoding(new BlockPool(100), [8, 9, 10]);
    expect([0, 2, 3, 5].map((position) => sequence.idAt(position))).toEqual([5, 7, 8, 10]);
    sequence.numComputed = 6;
    sequence.ids.push(8, 1);
    sequence.settle();
    expect(sequence.numComputed).toBe(4);
    expect(sequence.draft).toEqual([]);
  });
});

describe('lookupSettings', () => {
  const model = { name: 'tiny', recurrent: false };

  it('is off unless asked for', () => {
    expect(lookupSettings(undefined, model)).toBeUndefined();
    expect(lookupSettings({}, model)).toBeUndefined();
    expect(lookupSettings({ lookup: false }, { ...model, recurrent: true })).toBeUndefined();
    expect(lookupSettings({ lookup: true }, model)).toEqual(lookupSettings({ lookup: {} }, model));
    expect(lookupSettings({ lookup: { maxNgram: 1 } }, model)).toMatchObject({ maxNgram: 1, minNgram: 1 });
    expect(lookupSettings({ lookup: { minNgram: 5 } }, model)).toMatchObject({ maxNgram: 5, minNgram: 5 });
  });

  it.each([
    [true, /speculation must be an object/], [{ lookup: 1 }, /true, false or an object/], [{ look: true }, /look/],
    [{ lookup: { maxDraft: 0 } }, /maxDraft/], [{ lookup: { maxDraft: '4' } }, /"4"/], [{ lookup: { n: 3 } }, /option n/],
    [{ lookup: { maxNgram: 2, minNgram: 3 } }, /minNgram/], [{ lookup: [] }, /an array/], [null, /null/],
  ])('refuses %j', (speculation, message) => {
    expect(() => lookupSettings(speculation as GenerateOptions['speculation'], model)).toThrow(InvalidArgumentError);
    expect(() => lookupSettings(speculation as GenerateOptions['speculation'], model)).toThrow(message);
  });
});

/** The same requests with and without lookup; the tokens accepted in all. */
async function acceptedWhileEqual(
  engine: Engine, prompts: readonly (string | readonly number[])[], settings: readonly GenerateOptions[],
  lookup: NonNullable<GenerateOptions['speculation']>['lookup'] = true,
): Promise<number> {
  let accepted = 0;
  for (const prompt of prompts) {
    for (const options of settings) {
      const plain = await engine.complete(prompt, options);
      const fast = await engine.complete(prompt, { ...options, speculation: { lookup } });
      expect(fast.choices).toEqual(plain.choices);
      expect(plain.timings).toMatchObject({ draftTokens: 0, acceptedDraftTokens: 0 });
      const { newTokens, draftTokens, acceptedDraftTokens } = fast.timings;
      expect(newTokens).toBe(plain.timings.newTokens);
      expect(draftTokens).toBeGreaterThanOrEqual(acceptedDraftTokens);
      accepted += acceptedDraftTokens;
    }
  }
  return accepted;
}

const SAMPLERS: readonly GenerateOptions[] = [
  { temperature: 0 }, { temperature: 0, logprobs: 2 }, { temperature: 0.7, seed: 3 }, { temperature: 1.3, seed: 4, n: 2 },
  { temperature: 0.9, seed: 5, repetitionPenalty: 1.2, frequencyPenalty: 0.3 }, { mirostat: 2, seed: 6 },
  { temperature: 0.8, seed: 7, dryMultiplier: 0.8 },
];

describe('lookup with a tiny model', () => {
  const engines: Engine[] = [];
  const load = async (name: string, options: LoadOptions = {}): Promise<Engine> => {
    const engine = await Engine.load(new Uint8Array(readFileSync(caseFile(`${name}.gguf`))), { threads: 2, ...options });
    engines.push(engine);
    return engine;
  };
  afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

  const repetitive = Array.from({ length: 60 }, (_, i) => 98 + (i % 5));
  const ordinary = Array.from({ length: 40 }, (_, i) => 40 + ((i * i) % 83));

  it('gives the ids of plain decoding, whatever is guessed', async () => {
    const engine = await load('llama-tied', { contextLength: 256 });
    const settings = SAMPLERS.map((options) => ({ ...options, ignoreEos: true, maxTokens: 60 }));
    const accepted = await acceptedWhileEqual(engine, [repetitive, ordinary], settings, { minNgram: 1, maxDraft: 16 });
    expect(accepted).toBeGreaterThan(0);
  });

  it('keeps to the blocks, rows, results and tokens there are', async () => {
    const engine = await load('llama-tied', { contextLength: 64, maxBatchTokens: 4 });
    // One id over and over: every draft is right.
    const forced = { temperature: 0, ignoreEos: true, logitBias: { 98: 1e6 } } as const;
    const full = await acceptedWhileEqual(engine, [repetitive, repetitive.slice(0, 31)], [forced]);
    expect(full).toBeGreaterThan(20);
    for (let maxTokens = 1; maxTokens <= 12; maxTokens++) {
      const { ids, finishReason } = await engine.complete(repetitive.slice(0, 20), {
        ...forced, maxTokens, speculation: { lookup: { minNgram: 1, maxDraft: 64 } },
      });
      expect(ids).toEqual(new Array(maxTokens).fill(98));
      expect(finishReason).toBe('length');
    }
  });

  it('stops at a stop id in the middle of a draft', async () => {
    const engine = await load('llama-tied', { contextLength: 256 });
    const plain = await engine.complete(repetitive, { temperature: 0, ignoreEos: true, maxTokens: 60 });
    const settings = [...new Set(plain.ids)].map((id) => ({ temperature: 0, ignoreEos: true, stopIds: [id], maxTokens: 60 }));
    expect(await acceptedWhileEqual(engine, [repetitive], settings, { minNgram: 1 })).toBeGreaterThan(0);
  });

  it('serves several requests at once, and goes on after one is left', async () => {
    const engine = await load('llama-tied', { contextLength: 256 });
    const options = { temperature: 0, ignoreEos: true, maxTokens: 50 };
    const prompts = [repetitive, ordinary, repetitive.slice(3), ordinary.slice(7), repetitive.slice(1)];
    const single: (readonly number[])[] = [];
    for (const prompt of prompts) single.push((await engine.complete(prompt, options)).ids);
    const speculation = { lookup: { minNgram: 1 } };
    const left = engine.generate(repetitive, { ...options, logitBias: { 98: 1e6 }, maxTokens: 190, speculation });
    await left.next();
    const together = Promise.all(prompts.map((prompt, i) =>
      engine.complete(prompt, i % 2 ? options : { ...options, speculation })));
    await left.return();
    expect((await together).map(({ ids }) => ids)).toEqual(single);
  });

  for (const name of ['mamba', 'lfm2']) it.skipIf(!hasCase(name))(`is refused for ${name}, whose state cannot be taken back`, async () => {
    const engine = await load(name);
    expect(engine.model.recurrent).toBe(true);
    await expect(engine.complete([98, 99], { speculation: { lookup: true } })).rejects.toThrow(UnsupportedModelError);
    const { ids } = await engine.complete([98, 99], { maxTokens: 3, ignoreEos: true, speculation: { lookup: false } });
    expect(ids).toHaveLength(3);
  });
});

const path = await realModel('smollm2');

describe.skipIf(path === undefined)('lookup with smollm2', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load(path!, { threads: 2, contextLength: 512 });
  });
  afterAll(() => engine.dispose());

  const list = 'apple, banana, cherry, date, elderberry, fig, grape, ';

  it('gives the text of plain decoding, greedy and sampled, on all kinds of prompts', async () => {
    const settings = SAMPLERS.map((options) => ({ ...options, maxTokens: 24 }));
    await acceptedWhileEqual(engine, [list.repeat(4), 'The weather today is'], settings);
  });

  it('guesses most of a text that repeats', async () => {
    const options = { temperature: 0, ignoreEos: true, maxTokens: 64 };
    const accepted = await acceptedWhileEqual(engine, [list.repeat(6)], [options]);
    expect(accepted).toBeGreaterThan(40);
  });
});
