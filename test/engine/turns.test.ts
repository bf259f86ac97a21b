// Turns on the caller's thread: long work gives what it gives at once, others have their turn meanwhile, short work waits for
// nothing, and an abort ends what is under way.
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Engine, InvalidArgumentError } from '../../src/index.ts';
import { Turns } from '../../src/engine/turns.ts';
import { atOnce } from '../../src/steps.ts';
import type { Steps } from '../../src/steps.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { inRepository } from '../support/fixtures.ts';
import { AWKWARD_PIECES } from '../tokenizer/texts.ts';
import { bpeEntries, spmEntries, tokenizerMetadata, unigramEntries, wordPieceEntries } from '../tokenizer/vocabularies.ts';

const KINDS: readonly [string, ReturnType<typeof bpeEntries>][] = [
  ['byte-level BPE', { ...bpeEntries(), pre: 'qwen2' }], ['byte-level BPE with whole words', { ...bpeEntries(), pre: 'llama-bpe' }],
  ['SentencePiece BPE', spmEntries()], ['unigram', unigramEntries()], ['WordPiece', wordPieceEntries()],
];
const create = (entries: ReturnType<typeof bpeEntries>): Tokenizer => createTokenizer(tokenizerMetadata(entries));
const newTurns = (): Turns => new Turns(() => new Promise((resolve) => setImmediate(resolve)));

/** Text of `length` UTF-16 units, words and awkward pieces, and in the middle a word of a tenth of them. */
function longText(length: number): string {
  let state = 1;
  const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const pieces: string[] = [];
  const fill = (until: number): void => {
    for (let at = 0; at < until;) {
      const piece = random(4) === 0 ? AWKWARD_PIECES[random(AWKWARD_PIECES.length)]! : ` ${String.fromCharCode(97 + random(26)).repeat(1 + random(5))}`;
      pieces.push(piece);
      at += piece.length;
    }
  };
  fill(0.45 * length);
  pieces.push('lowest'.repeat(length / 60));
  fill(0.45 * length);
  return pieces.join('').slice(0, length);
}

/** Steps that busily take a millisecond each; notes when they ran. */
function* busy(numSteps: number, ran: number[] = []): Steps<string> {
  for (let i = 0; i < numSteps; i++) {
    const until = performance.now() + 1;
    while (performance.now() < until);
    ran.push(performance.now());
    yield;
  }
  return 'done';
}

/** What this process has computed, in ms: others that run on this machine take none of it. */
function computedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The longest time between two turns of other events while `work` goes on; the least of three, as there is garbage to collect. */
async function longestWait(work: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    let [last, longest, isOver] = [computedMs(), 0, false];
    const look = (): void => {
      const now = computedMs();
      longest = Math.max(longest, now - last);
      last = now;
      if (!isOver) setTimeout(look, 0);
    };
    setTimeout(look, 0);
    await work();
    look();
    isOver = true;
    least = Math.min(least, longest);
  }
  return least;
}

describe.each(KINDS)('%s', (_, entries) => {
  it('gives the same ids in steps, beside others and from a tokenizer that never encoded before', async () => {
    const text = longText(30_000);
    const expected = create(entries).encode(text, { parseSpecial: true });
    const turns = newTurns();
    const tokenizer = create(entries);
    const texts = [text, text.slice(1), text.slice(0, -7), 'short', text];
    const all = await Promise.all(texts.map((each) => turns.run(tokenizer.encodeSteps(each, { parseSpecial: true }))));
    expect(all[0]).toEqual(expected);
    expect(all).toEqual(texts.map((each) => create(entries).encode(each, { parseSpecial: true })));
    const segments = texts.map((each, i) => ({ text: each, parseSpecial: i % 2 === 0 }));
    expect(await turns.run(tokenizer.encodeSegmentsSteps(segments))).toEqual(create(entries).encodeSegments(segments));
  });

  it('gives the same ids wherever there is a pause in which the same tokenizer encodes something else', () => {
    const tokenizer = create(entries);
    fc.assert(fc.property(fc.array(fc.constantFrom(...AWKWARD_PIECES), { maxLength: 400 }), fc.constantFrom(...AWKWARD_PIECES), (pieces, other) => {
      const text = pieces.join('') + 'l'.repeat(3000);
      const steps = tokenizer.encodeSteps(text);
      let result = steps.next();
      for (; !result.done; result = steps.next()) tokenizer.encode(other + text.slice(0, 50));
      expect(result.value).toEqual(tokenizer.encode(text));
    }), { numRuns: 20, seed: 20250710 });
  });

  it('lets timers fire while it encodes a megabyte', async () => {
    const tokenizer = create(entries);
    const text = longText(1_000_000);
    const turns = newTurns();
    let ids: number[] = [];
    expect(await longestWait(async () => (ids = await turns.run(tokenizer.encodeSteps(text))))).toBeLessThan(30);
    expect(ids.length).toBeGreaterThan(30_000);
  }, 60_000);
});

describe('turns', () => {
  it('go on where the clock stands still', async () => {
    const { now } = performance;
    onTestFinished(() => void (performance.now = now));
    performance.now = () => 0;
    const endless = function* (): Steps<never> {
      for (;;) yield;
    };
    const controller = new AbortController();
    const work = newTurns().run(endless(), controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await expect(work).rejects.toThrow('enough');
  });

  it('do what is short at once, without a promise', () => {
    const short = function* (): Steps<string> {
      yield;
      return 'done';
    };
    expect(newTurns().run(short())).toBe('done');
  });

  it('throw at once what short work throws', () => {
    const failing = function* (): Steps<never> {
      yield;
      throw new InvalidArgumentError('wrong');
    };
    expect(() => newTurns().run(failing())).toThrow(InvalidArgumentError);
  });

  it('give 64 that come at once no more of a turn than one', async () => {
    const turns = newTurns();
    const work = (): Promise<unknown> => Promise.all(Array.from({ length: 64 }, () => turns.run(busy(8))));
    expect(await longestWait(work)).toBeLessThan(50);
  });

  it('let what is new and short pass what is long', async () => {
    const turns = newTurns();
    let isOver = false;
    const long = Promise.resolve(turns.run(busy(300))).then(() => (isOver = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await turns.run(busy(1))).toBe('done');
    expect(isOver).toBe(false);
    await long;
  });

  it('end work with the reason of its signal, and run no step of it after that', async () => {
    const turns = newTurns();
    const controller = new AbortController();
    const reason = new Error('enough');
    const ran: number[] = [];
    const work = turns.run(busy(200, ran), controller.signal);
    const other = turns.run(busy(20));
    setTimeout(() => controller.abort(reason), 10);
    await expect(work).rejects.toBe(reason);
    const { length } = ran;
    expect(length).toBeLessThan(150);
    expect(await other).toBe('done');
    expect(ran).toHaveLength(length);
    await expect(turns.run(busy(200, ran), controller.signal)).rejects.toBe(reason);
  });
});

describe('an engine', () => {
  const load = (): Promise<Engine> => Engine.load(inRepository('test/data/arch', 'qwen2.gguf'), { threads: 0, contextLength: 64 });
  const LONG = 'fee fo '.repeat(200_000);

  it('stops preparing a prompt that is given up, and keeps the order of errors', async () => {
    await using engine = await load();
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 5);
    const { signal } = controller;
    const messages = [{ role: 'user', content: LONG }];
    await Promise.all([
      () => engine.complete(LONG, { signal }), () => engine.complete(messages, { signal }), () => engine.tokenizeAsync(LONG, { signal }),
      () => engine.embed(LONG, { signal }), () => engine.score(LONG, { signal }), async () => {
        for await (const _ of engine.generate(LONG, { signal }));
      },
    ].map((work) => expect(work()).rejects.toThrow('enough')));
    // What is wrong with a prompt comes before what is wrong with options, and both before an abort.
    await expect(engine.complete([], { n: 0, signal })).rejects.toThrow('prompt is empty');
    await expect(engine.complete('fee', { n: 0, signal })).rejects.toThrow('n must be');
    await expect(engine.complete('fee', { signal })).rejects.toThrow('enough');
    await expect(engine.complete(LONG, { signal: {} as AbortSignal })).rejects.toThrow('signal must be');
  });

  it('tokenizes in turns as at once', async () => {
    await using engine = await load();
    expect(await engine.tokenizeAsync(LONG)).toEqual(engine.tokenize(LONG));
    expect(await engine.tokenizeAsync('fee', { addSpecial: false })).toEqual(engine.tokenize('fee', { addSpecial: false }));
    await expect(engine.tokenizeAsync(7 as unknown as string)).rejects.toThrow(InvalidArgumentError);
    await expect(engine.tokenizeAsync('fee', { special: true } as object)).rejects.toThrow('no option "special"');
  });

  it('compiles a grammar once for all that wait for it', async () => {
    await using engine = await load();
    const names = Array.from({ length: 300 }, (_, i) => `name${i}`);
    const jsonSchema = { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'integer', minimum: 3 }])), required: names.slice(0, 9) };
    const options = { jsonSchema, maxTokens: 3, temperature: 0, ignoreEos: true } as const;
    const controller = new AbortController();
    const first = engine.complete([40], { ...options, signal: controller.signal });
    const others = [1, 2].map(() => engine.complete([40], options));
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    const [one, two] = await Promise.all(others);
    expect(one!.ids).toEqual(two!.ids);
    expect((await engine.complete([40], options)).ids).toEqual(one!.ids);
    await Promise.all([1, 2].map(() => expect(engine.complete([40], { ...options, jsonSchema: { ...jsonSchema, minProperties: 400, maxProperties: 300 } })).rejects.toThrow('no finite text')));
  });
});

describe('steps', () => {
  it('give their result at once', () => {
    expect(atOnce(busy(2))).toBe('done');
  });
});
