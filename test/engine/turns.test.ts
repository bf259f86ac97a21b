// Turns on the caller's thread: long work gives what it gives at once, others have their turn meanwhile, short work waits for
// nothing, and an abort ends what is under way.
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Engine, EngineStoppedError, InvalidArgumentError } from '../../src/index.ts';
import { Compilations } from '../../src/engine/compilations.ts';
import { SharedSteps } from '../../src/engine/shared-steps.ts';
import { Turns } from '../../src/engine/turns.ts';
import { text } from '../../src/grammar/expression.ts';
import type { Rules } from '../../src/grammar/expression.ts';
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
    const all = await Promise.all(texts.map((each) => turns.run(() => tokenizer.encodeSteps(each, { parseSpecial: true }))));
    expect(all[0]).toEqual(expected);
    expect(all).toEqual(texts.map((each) => create(entries).encode(each, { parseSpecial: true })));
    const segments = texts.map((each, i) => ({ text: each, parseSpecial: i % 2 === 0 }));
    expect(await turns.run(() => tokenizer.encodeSegmentsSteps(segments))).toEqual(create(entries).encodeSegments(segments));
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

  it('pauses after a few words of a thousand units, and gives the ids that each of them has', () => {
    const tokenizer = create(entries);
    const space = tokenizer.kind === 'byte-level-bpe' ? ' ' : '';
    const words = Array.from({ length: 60 }, (_, i) => space + Array.from({ length: 1000 - i }, (__, j) =>
      String.fromCharCode(i % 2 === 0 ? 0x4e00 + 16 * j + i : 97 + ((j * j + i * j) % 26))).join(''));
    const text = words.join(space === '' ? ' ' : '');
    const steps = tokenizer.encodeSteps(text, { addSpecial: false });
    let numSteps = 1;
    let result = steps.next();
    for (; !result.done; result = steps.next()) numSteps++;
    expect(numSteps).toBeGreaterThan(text.length / 4096);
    expect(result.value).toEqual(words.flatMap((word) => create(entries).encode(word, { addSpecial: false })));
  });

  it('lets timers fire while it encodes a megabyte', async () => {
    const tokenizer = create(entries);
    const text = longText(1_000_000);
    const turns = newTurns();
    let ids: number[] = [];
    expect(await longestWait(async () => (ids = await turns.run(() => tokenizer.encodeSteps(text))))).toBeLessThan(30);
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
    const work = newTurns().run(endless, controller);
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await expect(work).rejects.toThrow('enough');
  });

  it('do what is short at once, without a promise', () => {
    const short = function* (): Steps<string> {
      yield;
      return 'done';
    };
    expect(newTurns().run(short)).toBe('done');
  });

  it('throw at once what short work throws', () => {
    const failing = function* (): Steps<never> {
      yield;
      throw new InvalidArgumentError('wrong');
    };
    expect(() => newTurns().run(failing)).toThrow(InvalidArgumentError);
  });

  it('give 64 that come at once no more of a turn than one', async () => {
    const turns = newTurns();
    const work = (): Promise<unknown> => Promise.all(Array.from({ length: 64 }, () => turns.run(() => busy(8))));
    expect(await longestWait(work)).toBeLessThan(50);
  });

  it('let what is new and short pass what is long', async () => {
    const turns = newTurns();
    let isOver = false;
    const long = Promise.resolve(turns.run(() => busy(300))).then(() => (isOver = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await turns.run(() => busy(1))).toBe('done');
    expect(isOver).toBe(false);
    await long;
  });

  it('end work with the reason of its signal, and run no step of it after that', async () => {
    const turns = newTurns();
    const controller = new AbortController();
    const reason = new Error('enough');
    const ran: number[] = [];
    const work = turns.run(() => busy(200, ran), controller);
    const other = turns.run(() => busy(20));
    setTimeout(() => controller.abort(reason), 10);
    await expect(work).rejects.toBe(reason);
    const { length } = ran;
    expect(length).toBeLessThan(150);
    expect(await other).toBe('done');
    expect(ran).toHaveLength(length);
    await expect(turns.run(() => busy(200, ran), controller)).rejects.toBe(reason);
  });
});

describe('many that take long', () => {
  /** Steps that note how many of their kind are begun and not ended. */
  function counted(): { work: () => Steps<string>; most: number; numBegun: number } {
    const count = { numBegun: 0, most: 0, *work(): Steps<string> {
      count.most = Math.max(count.most, ++count.numBegun);
      try {
        return yield* busy(20);
      } finally {
        count.numBegun--;
      }
    } };
    return count;
  }

  it('are begun a few at a time, in the order they came in, whether they come at once or one by one', async () => {
    const turns = newTurns();
    const count = counted();
    const ended: number[] = [];
    const works: unknown[] = [];
    for (let i = 0; i < 20; i++) {
      works.push(Promise.resolve(turns.run(count.work)).then(() => ended.push(i)));
      if (i >= 10) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(works);
    // One more has its first slice.
    expect(count.most).toBeLessThanOrEqual(5);
    expect(count.numBegun).toBe(0);
    expect(ended.every((i, at) => Math.abs(i - at) <= 4)).toBe(true);
  });

  it('are passed by what is short', async () => {
    const turns = newTurns();
    let numEnded = 0;
    const long = Array.from({ length: 20 }, () => Promise.resolve(turns.run(() => busy(30))).then(() => numEnded++));
    expect(await turns.run(function* () { return 'done'; })).toBe('done');
    expect(numEnded).toBeLessThan(4);
    await Promise.all(long);
  });

  it('end what several of them share, once', async () => {
    const turns = newTurns();
    const ran: number[] = [];
    const shared = new SharedSteps(busy(60, ran));
    expect(await Promise.all(Array.from({ length: 12 }, () => turns.run(() => shared.whole())))).toEqual(Array(12).fill('done'));
    expect(ran).toHaveLength(60);
  });

  it('let others begin in the place of those that are given up', async () => {
    const turns = newTurns();
    const controllers = Array.from({ length: 12 }, () => new AbortController());
    const works = controllers.map((controller) => Promise.resolve(turns.run(() => busy(40), controller)));
    setTimeout(() => controllers.slice(0, 11).forEach((controller) => controller.abort(new Error('enough'))), 30);
    const settled = await Promise.allSettled(works);
    expect(settled.map(({ status }) => status)).toEqual([...Array<string>(11).fill('rejected'), 'fulfilled']);
  });

  it('of one owner are ended together', async () => {
    const turns = newTurns();
    const [mine, others] = [counted(), counted()];
    const owner = {};
    const works = Array.from({ length: 12 }, () => Promise.resolve(turns.run(mine.work, { owner })));
    const other = turns.run(others.work, { owner: {} });
    turns.end(owner, new Error('over'));
    expect(mine.numBegun).toBe(0);
    for (const { status } of await Promise.allSettled(works)) expect(status).toBe('rejected');
    await expect(works[0]).rejects.toThrow('over');
    expect(await other).toBe('done');
  });
});

describe('a grammar', () => {
  it('is compiled once for all that wait for it, also where those that began are given up', async () => {
    const turns = newTurns();
    const compilations = new Compilations();
    let numCompiled = 0;
    const source = { key: 'one', *rules(): Steps<Rules> {
      numCompiled++;
      yield* busy(30);
      return new Map([['root', text('x')]]);
    } };
    const controller = new AbortController();
    const get = (key: string, signal?: AbortSignal): unknown => turns.run(() => compilations.get({ ...source, key }), { signal });
    const givenUp = [get('one', controller.signal), get('one', controller.signal)];
    const works = Array.from({ length: 10 }, () => get('one'));
    setTimeout(() => controller.abort(new Error('enough')), 5);
    for (const work of givenUp) await expect(work).rejects.toThrow('enough');
    const all = await Promise.all(works);
    expect(new Set(all).size).toBe(1);
    expect(get('one')).toBe(all[0]);
    expect(numCompiled).toBe(1);
    await get('two');
    expect(numCompiled).toBe(2);
  });
});

describe('work that is given up', () => {
  it('rejects also where its end throws', async () => {
    const controller = new AbortController();
    const work = newTurns().run(function* (): Steps<string> {
      try {
        return yield* busy(50);
      } finally {
        throw new Error('in the end');
      }
    }, controller);
    controller.abort();
    await expect(work).rejects.toThrow('in the end');
  });

  it('may give itself up', async () => {
    const controller = new AbortController();
    let isEnded = false;
    const work = newTurns().run(function* (): Steps<string> {
      try {
        yield* busy(10);
        controller.abort(new Error('enough'));
        return yield* busy(50);
      } finally {
        isEnded = true;
      }
    }, controller);
    await expect(work).rejects.toThrow('enough');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isEnded).toBe(true);
  });

  it('does not wait where its signal was aborted before', async () => {
    const turns = newTurns();
    const first = turns.run(() => busy(20));
    const ran: number[] = [];
    await expect(turns.run(() => busy(20, ran), { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    expect(ran.length).toBeLessThan(4);
    await first;
  });

  it('hears where no next turn comes, and what comes later is done', async () => {
    let fails = true;
    const turns = new Turns(() => (fails ? Promise.reject(new Error('no turns')) : new Promise((resolve) => setImmediate(resolve))));
    const works = Array.from({ length: 8 }, () => turns.run(() => busy(20)));
    for (const work of works) await expect(work).rejects.toThrow('no turns');
    fails = false;
    expect(await turns.run(() => busy(20))).toBe('done');
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

  it('rejects with the reason of a signal that was aborted before, however short the text is', async () => {
    await using engine = await load();
    const signal = AbortSignal.abort(new Error('before'));
    for (const text of ['fee', LONG]) {
      await Promise.all([
        () => engine.complete(text, { signal }), () => engine.tokenizeAsync(text, { signal }), () => engine.embed(text, { signal }),
        () => engine.score(text, { signal }), () => engine.saveSession(text, { signal }), async () => {
          for await (const _ of engine.generate(text, { signal }));
        },
      ].map((work) => expect(work()).rejects.toThrow('before')));
    }
    await expect(engine.tokenizeAsync('fee', { special: true, signal } as object)).rejects.toThrow('no option "special"');
    await expect(engine.tokenizeAsync(7 as unknown as string, { signal })).rejects.toThrow(InvalidArgumentError);
    const none = {} as AbortSignal;
    await Promise.all([engine.tokenizeAsync('fee', { signal: none }), engine.embed('fee', { signal: none }),
      engine.score('fee', { signal: none }), engine.saveSession('fee', { signal: none }), engine.loadSession(new Uint8Array(9), { signal: none }),
    ].map((work) => expect(work).rejects.toThrow('signal must be an AbortSignal')));
  });

  it('ends what it prepares when it is disposed of', async () => {
    const engine = await load();
    await using other = await load();
    const works = [...[1, 2, 3].map(() => engine.complete(LONG)), engine.embed(LONG), engine.score(LONG), engine.tokenizeAsync(LONG),
      engine.saveSession(LONG), engine.generate(LONG).next(), engine.complete([{ role: 'user', content: LONG }])];
    const others = other.tokenizeAsync(LONG);
    const disposed = engine.dispose();
    await Promise.all([disposed, ...works.map((work) => expect(work).rejects.toThrow(EngineStoppedError))]);
    expect(await others).toEqual(other.tokenize(LONG));
  });

  it('answers what it was given when it was asked, whatever becomes of that', async () => {
    await using engine = await load();
    const options = { maxTokens: 3, temperature: 0, seed: 1, ignoreEos: true } as const;
    const given = (): { ids: number[]; typed: Int32Array; messages: { role: 'user'; content: string | { type: 'text'; text: string }[] }[] } =>
      ({ ids: [40, 41, 42], typed: Int32Array.of(40, 41), messages: [{ role: 'user', content: [{ type: 'text', text: 'fee' }] }] });
    const ask = ({ ids, typed, messages }: ReturnType<typeof given>, changing: { maxTokens: number; stopIds: number[] }): Promise<unknown>[] => [
      engine.complete(ids, options), engine.complete(typed as unknown as number[], options), engine.complete(messages, { ...options, maxTokens: 1 }),
      engine.complete([40], { ...options, ...changing }), engine.embed(ids), engine.embed(typed as unknown as number[]),
      engine.score(ids), engine.saveSession(ids),
    ];
    const withoutTimes = (answers: unknown[]): unknown[] => answers.map((answer) => ({ ...answer as object, timings: 0 }));
    const expected = withoutTimes(await Promise.all(ask(given(), { maxTokens: 2, stopIds: [7] })));
    // Nothing is prepared in this turn any more.
    const controller = new AbortController();
    const busyTurn = [1, 2, 3, 4].map(() => engine.tokenizeAsync(LONG, controller));
    busyTurn.forEach((work) => void work.catch(() => undefined));
    const [mine, changing] = [given(), { maxTokens: 2, stopIds: [7] }];
    const works = ask(mine, changing);
    mine.ids.fill(50);
    mine.typed.fill(50);
    mine.messages[0]!.content = [{ type: 'text', text: 'fo' }];
    mine.messages.push({ role: 'user', content: 'fee fee' });
    changing.stopIds.push(...Array<number>(5).fill(-1));
    controller.abort(new Error('enough'));
    expect(withoutTimes(await Promise.all(works))).toEqual(expected);
    for (const work of busyTurn) await expect(work).rejects.toThrow('enough');
  });

  it('tokenizes in turns as at once', async () => {
    await using engine = await load();
    expect(await engine.tokenizeAsync(LONG)).toEqual(engine.tokenize(LONG));
    expect(await engine.tokenizeAsync('fee', { addSpecial: false })).toEqual(engine.tokenize('fee', { addSpecial: false }));
    await expect(engine.tokenizeAsync(7 as unknown as string)).rejects.toThrow(InvalidArgumentError);
    await expect(engine.tokenizeAsync('fee', { special: true } as object)).rejects.toThrow('no option "special"');
  });

  it('gives all that wait for a grammar the same one, or what is wrong with it', async () => {
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
