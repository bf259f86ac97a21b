// The grammars that a compute thread has met lately, with what it found out about the tokens that fit.
import { Automaton } from '../../grammar/automaton.ts';
import { Constraint } from '../../grammar/constraint.ts';
import { TokenMasks } from '../../grammar/token-masks.ts';
import { tokenTree } from '../../grammar/vocabulary.ts';
import type { TokenBytes, TokenTree } from '../../grammar/vocabulary.ts';
import type { GenerateMessage } from '../compute/protocol.ts';
import { RecentlyUsed } from '../recently-used.ts';

/** Grammars that are remembered. */
const MOST_GRAMMARS = 8;

export class GrammarStore {
  #tokens: TokenBytes | undefined;
  #tree: TokenTree | undefined;
  readonly #masks = new RecentlyUsed<TokenMasks>(MOST_GRAMMARS);

  /** Takes the vocabulary, which comes once. */
  learn(tokens: TokenBytes | undefined): void {
    this.#tokens ??= tokens;
  }

  /** A constraint at its beginning, if the request has a grammar. */
  constraint({ grammar, stopIds }: GenerateMessage): Constraint | undefined {
    if (!grammar) return undefined;
    const { key, network } = grammar;
    const masks = this.#masks.get(key, () => new TokenMasks(new Automaton(network), this.#tree ??= tokenTree(this.#tokens!)));
    return new Constraint(masks, stopIds.some((id) => masks.isEnd(id)));
  }
}
