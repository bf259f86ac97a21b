// The grammar that generate's options ask for, compiled on the caller's thread, so that what is wrong with it is said at once.
import { InvalidArgumentError } from '../errors.ts';
import { parseGbnf } from '../grammar/gbnf.ts';
import { buildNetwork } from '../grammar/network-builder.ts';
import type { Network } from '../grammar/network.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { describe } from './sampler/options.ts';
import type { GenerateOptions } from './types.ts';

export interface CompiledGrammar {
  /** What it was compiled from. */
  readonly key: string;
  readonly network: Network;
}

/** The grammars compiled last, by tokenizer: a server meets the same few over and over. */
const compiled = new WeakMap<Tokenizer, Map<string, CompiledGrammar>>();
const MOST_COMPILED = 16;

/** Throws InvalidArgumentError for options of the wrong form, GrammarError for a grammar that cannot be enforced. */
export function grammarOf({ grammar }: GenerateOptions, tokenizer: Tokenizer): CompiledGrammar | undefined {
  if (grammar === undefined) return undefined;
  if (typeof grammar !== 'string') throw new InvalidArgumentError(`grammar must be GBNF text, not ${describe(grammar)}.`);
  const tokenId = (spelling: string): number | undefined => {
    const ids = tokenizer.encode(spelling, { addSpecial: false, parseSpecial: true });
    return ids.length === 1 ? ids[0] : undefined;
  };
  return remembered(tokenizer, `gbnf:${grammar}`, () => buildNetwork(parseGbnf(grammar, { tokenId })));
}

function remembered(tokenizer: Tokenizer, key: string, build: () => Network): CompiledGrammar {
  let known = compiled.get(tokenizer);
  if (!known) compiled.set(tokenizer, (known = new Map()));
  const grammar = known.get(key) ?? { key, network: build() };
  known.delete(key);
  known.set(key, grammar);
  if (known.size > MOST_COMPILED) known.delete(known.keys().next().value!);
  return grammar;
}
