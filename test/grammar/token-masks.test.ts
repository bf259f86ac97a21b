// The tokens that may follow, against a slow reader that walks each token's bytes one by one: random grammars and schemas,
// random prefixes, every kind of tokenizer that a generating model has.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/sampler/random.ts';
import { Automaton } from '../../src/grammar/automaton.ts';
import { Constraint } from '../../src/grammar/constraint.ts';
import type { Rules } from '../../src/grammar/expression.ts';
import { parseGbnf } from '../../src/grammar/gbnf.ts';
import { buildNetwork } from '../../src/grammar/network-builder.ts';
import { schemaRules } from '../../src/grammar/schema/compile.ts';
import { TokenMasks } from '../../src/grammar/token-masks.ts';
import { tokenBytes, tokenTree } from '../../src/grammar/vocabulary.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { atOnce } from '../../src/steps.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';
import { TYPE, bpeEntries, spmEntries, tokenizerMetadata, unigramEntries } from '../tokenizer/vocabularies.ts';
import { randomGrammar } from './random-rules.ts';
import { randomSchema } from './random-schemas.ts';
import { SlowReader } from './slow-reader.ts';
import type { Ways } from './slow-reader.ts';

const MOST_STEPS = 12;
const NONE: Ways = new Set();

interface Vocabulary {
  readonly tokenizer: Tokenizer;
  readonly tree: ReturnType<typeof tokenTree>;
  /** The ids to compare: all, or of a large vocabulary the special ones, single bytes, and a random share. */
  readonly ids: readonly number[];
  /** User-defined tokens would take the space away that follows them, and are no text for that. */
  readonly losesSpaces: boolean;
}

function vocabularyOf(tokenizer: Tokenizer, share = 1, losesSpaces = false): Vocabulary {
  const random = new Random(1);
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id)
    .filter((id) => share === 1 || tokenizer.isSpecial(id) || tokenizer.tokenBytes(id).length === 1 || random.next() < share);
  return { tokenizer, tree: tokenTree(atOnce(tokenBytes(tokenizer))), ids, losesSpaces };
}

/** What the slow reader makes of a token: its bytes where it is text, or the token itself. */
function after(reader: SlowReader, ways: Ways, id: number, { tokenizer, losesSpaces }: Vocabulary): Ways {
  if (tokenizer.endIds.has(id)) return NONE;
  const bytes = tokenizer.tokenBytes(id);
  const isText = bytes.length > 0 && !tokenizer.isControl(id) && id !== tokenizer.unkId && !(losesSpaces && tokenizer.isSpecial(id));
  let left: Ways = isText ? ways : NONE;
  for (let i = 0; i < bytes.length && left.size > 0; i++) left = reader.next(left, bytes[i]!);
  const taken = reader.nextToken(ways, id);
  return taken.size === 0 ? left : new Set([...left, ...taken]);
}

/** Follows random tokens, and compares at every step; returns how many steps were compared. */
function compare(rules: Rules, vocabulary: Vocabulary, seed: number): number {
  const { tokenizer, tree, ids } = vocabulary;
  const random = new Random(seed);
  const compared = new Set(ids);
  const masks = new TokenMasks(new Automaton(atOnce(buildNetwork(rules))), tree);
  const constraint = new Constraint(masks, seed % 3 > 0);
  const reader = new SlowReader(rules);
  let ways = reader.start;
  for (let step = 0; step < MOST_STEPS; step++) {
    const fitting = ids.filter((id) => (tokenizer.endIds.has(id)
      ? seed % 3 > 0 && reader.canEnd(ways) : after(reader, ways, id, vocabulary).size > 0));
    const mask = constraint.all();
    expect(ids.filter((id) => mask[id >>> 5]! & (1 << (id & 31)))).toEqual(fitting);
    expect(ids.filter((id) => constraint.allows(id))).toEqual(fitting);
    const few = constraint.few();
    if (few) expect(few.filter((id) => compared.has(id))).toEqual(fitting);
    const going = fitting.filter((id) => !tokenizer.endIds.has(id));
    if (constraint.isOver) expect([...Array(256).keys()].filter((byte) => reader.next(ways, byte).size > 0)).toEqual([]);
    if (going.length === 0) return step + 1;
    // Longer tokens are rare, and lead further.
    const id = [1, 2, 3].map(() => going[Math.floor(random.next() * going.length)]!)
      .reduce((a, b) => (tokenizer.tokenBytes(b).length > tokenizer.tokenBytes(a).length ? b : a));
    ways = after(reader, ways, id, vocabulary);
    constraint.accept(id);
  }
  return MOST_STEPS;
}

function testVocabulary(load: () => Vocabulary | Promise<Vocabulary>, numSeeds: number): void {
  it('by random grammars', { timeout: 120_000 }, async () => {
    const vocabulary = await load();
    const { tokenizer } = vocabulary;
    const named = vocabulary.ids.filter((id) => tokenizer.isSpecial(id)).slice(0, 4).concat(vocabulary.ids.slice(-2));
    let steps = 0;
    for (let seed = 1; seed <= numSeeds; seed++) steps += compare(atOnce(parseGbnf(randomGrammar(seed, named))), vocabulary, seed);
    expect(steps).toBeGreaterThan(2 * numSeeds);
  });

  it('by random schemas', { timeout: 120_000 }, async () => {
    const vocabulary = await load();
    let steps = 0;
    for (let seed = 1; seed <= numSeeds; seed++) steps += compare(atOnce(schemaRules(randomSchema(seed))), vocabulary, seed);
    expect(steps).toBeGreaterThan(2 * numSeeds);
  });

  it('and never with control tokens that the grammar does not name', async () => {
    const { tokenizer, tree } = await load();
    const constraint = new Constraint(new TokenMasks(new Automaton(atOnce(buildNetwork(atOnce(parseGbnf('root ::= .* | [^\\x00]*'))))), tree));
    const mask = constraint.all();
    const allowed = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => mask[id >>> 5]! & (1 << (id & 31)));
    expect(allowed.filter((id) => tokenizer.isControl(id) && !tokenizer.endIds.has(id))).toEqual([]);
    expect(allowed.filter((id) => tokenizer.endIds.has(id))).toEqual([...tokenizer.endIds].sort((a, b) => a - b));
    expect(allowed).not.toContain(tokenizer.unkId);
  });
}

/** The small unigram vocabulary, and all bytes. */
function unigramWithBytes(): ReturnType<typeof unigramEntries> {
  const entries = unigramEntries();
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  return {
    ...entries, tokens: [...entries['tokens'] as string[], ...bytes],
    scores: Float32Array.of(...entries['scores'] as Float32Array, ...bytes.map(() => -20)),
    token_type: Int32Array.of(...entries['token_type'] as Int32Array, ...bytes.map(() => TYPE.byte)),
  };
}

describe.each([
  ['byte-level BPE', bpeEntries, false], ['SentencePiece with byte fallback', spmEntries, false], ['unigram with byte fallback', unigramWithBytes, true],
] as const)('%s', (_name, entries, losesSpaces) => {
  testVocabulary(() => vocabularyOf(createTokenizer(tokenizerMetadata(entries())), 1, losesSpaces), 25);
});

// The vocabularies of models; "bert" (WordPiece) is for encoders, which generate nothing.
describe.skipIf(!fixturesDir()).each(['gpt-2', 'llama-spm', 'phi-3', 'falcon', 'deepseek-llm'])('%s (reference data)', (name) => {
  let loaded: Promise<Vocabulary> | undefined;
  testVocabulary(() => (loaded ??= (async () => {
    const { metadata } = await readGguf(bytesSource(new Uint8Array(readFileSync(fixture(`tokenizers/ggml-vocab-${name}.gguf`)))));
    return vocabularyOf(createTokenizer(metadata), 0.01);
  })()), 6);
});
