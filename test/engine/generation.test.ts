// The caller's side of a generation, fed by a stand-in for the workers: options are checked at once, text and stop
// strings come out right however ids cut it, and nothing is left behind.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContextLengthError, InvalidArgumentError } from '../../src/errors.ts';
import type { ComputeHost, ReplyHandler } from '../../src/engine/compute/host.ts';
import { toolFormat } from '../../src/chat/tool-format.ts';
import { collect, startGeneration } from '../../src/engine/generation.ts';
import type { GenerateMessage, TokenMessage } from '../../src/engine/compute/protocol.ts';
import type { ModelInfo } from '../../src/engine/load/load-types.ts';
import type { Completion, GenerateChunk, GenerateOptions } from '../../src/engine/types.ts';
import { atOnce } from '../../src/steps.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { TYPE, bpeEntries, tokenizerMetadata } from '../tokenizer/vocabularies.ts';

const tokenizer = createTokenizer(tokenizerMetadata(bpeEntries()));
const EOS = tokenizer.eosId!;
const model = { contextLength: 64, vocabSize: tokenizer.vocabSize } as ModelInfo;
const PROMPT = { ids: [1], numSinks: 0, numDropped: 0 };
const speaker = { tokenizer, model, toolFormat: toolFormat('') };
const timings = { prefillTokens: 1, cachedTokens: 0, prefillMs: 1, decodeTokens: 0, decodeMs: 0, draftTokens: 0, acceptedDraftTokens: 0, droppedTokens: 0 };

/** Bytes are ids of their own at the beginning of this vocabulary. */
const byteIds = (text: string): number[] => [...new TextEncoder().encode(text)].flatMap((byte) =>
  Array.from({ length: 256 }, (_, id) => id).filter((id) => tokenizer.tokenBytes(id)[0] === byte));

/** Answers a request with the given ids, as the compute worker would; notes what it was asked and told. */
class Workers {
  readonly ids: readonly number[];
  request_: GenerateMessage | undefined;
  readonly cancelled: (number | undefined)[] = [];
  forgotten = 0;

  constructor(ids: readonly number[]) {
    this.ids = ids;
  }

  get host(): ComputeHost {
    return this as unknown as ComputeHost;
  }

  request(build: (requestId: number) => GenerateMessage, handler: ReplyHandler): number {
    const request = (this.request_ = build(7));
    queueMicrotask(() => {
      for (let choiceIndex = 0; choiceIndex < request.numChoices; choiceIndex++) {
        for (const message of messages(request, this.ids, choiceIndex)) handler.onReply(message);
      }
    });
    return 7;
  }

  cancel(_requestId: number, choiceIndex?: number): void {
    this.cancelled.push(choiceIndex);
  }

  forget(): void {
    this.forgotten++;
  }
}

function messages(request: GenerateMessage, ids: readonly number[], choiceIndex: number): TokenMessage[] {
  const end = ids.findIndex((id, i) => request.stopIds.includes(id) || i + 1 === request.maxTokens);
  return ids.slice(0, end < 0 ? ids.length : end + 1).map((id, i) => ({
    type: 'token', requestId: 7, choiceIndex, id, timings,
    ...(request.sampling.logprobs !== undefined && { logprob: -i, top: [{ id, logprob: -i }] }),
    ...(i === end && (request.stopIds.includes(id)
      ? { stopped: true, finishReason: 'stop' as const } : { finishReason: 'length' as const })),
  }));
}

const complete = (workers: Workers, options: GenerateOptions = {}): Promise<Completion> =>
  collect(atOnce(startGeneration(workers.host, speaker, PROMPT, options)));

async function chunksOf(workers: Workers, options: GenerateOptions): Promise<GenerateChunk[]> {
  const chunks: GenerateChunk[] = [];
  for await (const chunk of atOnce(startGeneration(workers.host, speaker, PROMPT, options)).chunks) chunks.push(chunk);
  return chunks;
}

describe('text of a generation', () => {
  it('is what the ids spell, cut before stop strings, in whole characters', async () => {
    const letter = fc.constantFrom('a', 'é', '€', '😀', ' ', '\n');
    const text = fc.array(letter, { minLength: 1, maxLength: 14, size: 'max' }).map((all) => all.join(''));
    const stopString = fc.array(letter, { minLength: 1, maxLength: 3 }).map((all) => all.join(''));
    const stops = fc.array(stopString, { maxLength: 3 });
    await fc.assert(fc.asyncProperty(text, stops, async (spoken, stop) => {
      const ends = stop.filter((one) => spoken.includes(one)).map((one) => spoken.indexOf(one) + one.length);
      const end = Math.min(...ends);
      const ending = stop.filter((one) => spoken.slice(0, end).endsWith(one)).map((one) => one.length);
      const expected = ends.length > 0 ? spoken.slice(0, end - Math.max(...ending)) : spoken;
      const chunks = await chunksOf(new Workers([...byteIds(spoken), EOS]), { stop });
      expect(chunks.map((chunk) => chunk.text).join('')).toBe(expected);
      for (const chunk of chunks) expect(chunk.text).not.toMatch(/\p{Surrogate}|\uFFFD/u);
      expect(chunks.at(-1)!.finishReason).toBe('stop');
    }), { numRuns: 300 });
  });

  it('shows what was held back when the tokens run out', async () => {
    const chunks = await chunksOf(new Workers(byteIds('one\ntwo')), { stop: '\n\n', maxTokens: 4 });
    expect(chunks.map((chunk) => chunk.text)).toEqual(['o', 'n', 'e', '\n']);
    expect(chunks.at(-1)!.finishReason).toBe('length');
  });

  it('shows what was held back when a stop id ends it, without the id', async () => {
    const { text, ids, finishReason } = await complete(new Workers([...byteIds('ab<'), EOS]), { stop: '<|im' });
    expect(text).toBe('ab<');
    expect(ids).toEqual(byteIds('ab<'));
    expect(finishReason).toBe('stop');
  });

  it('ends at a stop string that only the last, incomplete character completes', async () => {
    const workers = new Workers(byteIds('x€').slice(0, -1));
    const { text, finishReason } = await complete(workers, { stop: '\uFFFD', maxTokens: 3 });
    expect({ text, finishReason }).toEqual({ text: 'x', finishReason: 'stop' });
  });

  it('writes U+FFFD for a character that the last token leaves incomplete', async () => {
    expect((await complete(new Workers(byteIds('x€').slice(0, -1)), { maxTokens: 3 })).text).toBe('x\uFFFD');
  });

  it('tells the workers to end a choice at a stop string, and lets go of the request', async () => {
    const workers = new Workers(byteIds('abcdef'));
    const { text, finishReason, ids } = await complete(workers, { stop: ['cd'] });
    expect({ text, finishReason }).toEqual({ text: 'ab', finishReason: 'stop' });
    expect(ids).toEqual(byteIds('abcd'));
    expect(workers.cancelled).toEqual([0, undefined]);
    expect(workers.forgotten).toBe(1);
  });

  it('shows where thoughts begin and end, also where these are control tokens', async () => {
    const entries = bpeEntries();
    const [tokens, types] = [entries['tokens'] as string[], entries['token_type'] as Int32Array];
    const marks = ['[THINK]', '[/THINK]'];
    const thinking = createTokenizer(tokenizerMetadata({
      ...entries, tokens: [...tokens, ...marks], token_type: Int32Array.from([...types, TYPE.control, TYPE.control]),
    }));
    const workers = new Workers([tokens.length, ...byteIds('Hm'), tokens.length + 1, ...byteIds('ok')]);
    const said = { tokenizer: thinking, model: { ...model, vocabSize: thinking.vocabSize }, toolFormat: toolFormat('') };
    expect((await collect(atOnce(startGeneration(workers.host, said, PROMPT, { maxTokens: 6 })))).text).toBe('[THINK]Hm[/THINK]ok');
    // What a user wrote of them stays text.
    expect(thinking.encode('[THINK]')).not.toContain(tokens.length);
  });

  it('keeps n choices apart', async () => {
    const { choices } = await complete(new Workers([...byteIds('a€b'), EOS]), { n: 3, stop: 'b', logprobs: 1 });
    expect(choices.map(({ index, text }) => [index, text])).toEqual([[0, 'a€'], [1, 'a€'], [2, 'a€']]);
    expect(choices[0].logprobs).toHaveLength(5);
  });

  it('goes on past the end token when asked, and stops at ids of the caller', async () => {
    const ids = [...byteIds('a'), EOS, ...byteIds('bc')];
    expect((await complete(new Workers(ids), { ignoreEos: true, stopIds: byteIds('c') })).text).toBe('ab');
  });

  it('ends with the signal’s reason, and lets go of the request', async () => {
    const workers = new Workers(byteIds('abc'));
    const controller = new AbortController();
    const seen: string[] = [];
    const run = async (): Promise<void> => {
      const { chunks } = atOnce(startGeneration(workers.host, speaker, PROMPT, { signal: controller.signal }));
      for await (const { text } of chunks) {
        seen.push(text);
        controller.abort(new Error('enough'));
      }
    };
    await expect(run()).rejects.toThrow('enough');
    expect(seen).toEqual(['a']);
    expect(workers.forgotten).toBe(1);
  });
});

describe('options of a generation', () => {
  const start = (options: unknown, promptIds: readonly number[] = [1]): Workers => {
    const workers = new Workers([]);
    atOnce(startGeneration(workers.host, speaker, { ...PROMPT, ids: [...promptIds] }, options as GenerateOptions));
    return workers;
  };

  it.each<[string, unknown]>([
    ['n', { n: 0 }], ['n', { n: 129 }], ['n', { n: 1.5 }], ['n', { n: '2' }], ['n', { n: null }],
    ['maxTokens', { maxTokens: 0 }], ['maxTokens', { maxTokens: 1.5 }], ['maxTokens', { maxTokens: '5' }],
    ['maxTokens', { maxTokens: NaN }], ['ignoreEos', { ignoreEos: 'no' }], ['ignoreEos', { ignoreEos: 1 }],
    ['signal', { signal: {} }], ['signal', { signal: 5 }],
    ['stop', { stop: '' }], ['stop', { stop: ['a', ''] }], ['stop', { stop: 5 }], ['stop', { stop: [5] }],
    ['stop', { stop: null }], ['stop', { stop: { 0: 'a' } }], ['stop', { stop: Array(65).fill('a') }],
    ['stop', { stop: 'a'.repeat(4097) }], ['stop', { stop: '\uD83D' }], ['stop', { stop: ['x\uDE00'] }],
    ['stopIds', { stopIds: [tokenizer.vocabSize] }], ['stopIds', { stopIds: [-1] }], ['stopIds', { stopIds: [0.5] }],
    ['stopIds', { stopIds: 5 }], ['stopIds', { stopIds: '5' }], ['stopIds', { stopIds: Array(1025).fill(1) }],
    ['topK', { topK: -1 }], ['logprobs', { logprobs: tokenizer.vocabSize + 1 }],
    ['logitBias', { logitBias: { [tokenizer.vocabSize]: 1 } }],
    ['max_tokens', { max_tokens: 5 }], ['stop_ids', { stop_ids: [5] }], ['temprature', { temprature: 1 }],
  ])('%s is checked: %j', (name, options) => {
    expect(() => start(options)).toThrow(InvalidArgumentError);
    expect(() => start(options)).toThrow(name);
  });

  it('are taken at their limits', () => {
    const stop = Array.from({ length: 64 }, (_, i) => String.fromCharCode(97 + i).repeat(4096));
    start({ n: 128, stop, stopIds: Array(1024).fill(1), maxTokens: 1, signal: new AbortController().signal });
    start({ stop: [], stopIds: [], tools: [], templateOptions: {}, parseSpecial: true, logprobs: tokenizer.vocabSize });
  });

  it('give the workers at most what the context holds', async () => {
    const workers = new Workers([...byteIds('a'), EOS]);
    await complete(workers, { maxTokens: 1000 });
    expect(workers.request_!.maxTokens).toBe(63);
  });

  it('need a prompt of the vocabulary that leaves room for an answer', () => {
    expect(() => start({}, [])).toThrow(InvalidArgumentError);
    expect(() => start({}, [tokenizer.vocabSize])).toThrow(InvalidArgumentError);
    expect(() => start({}, new Array<number>(64).fill(1))).toThrow(ContextLengthError);
  });

  it('choose a seed and report it', async () => {
    const workers = new Workers([...byteIds('a'), EOS]);
    const { seed } = await complete(workers);
    expect(workers.request_!.seed).toBe(seed);
    expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
    expect((await complete(new Workers([EOS]), { seed: 9 })).seed).toBe(9);
  });
});
