// The grammars compiled last, and those that are being compiled, each once for all requests that ask for it.
import { buildNetwork } from '../grammar/network-builder.ts';
import type { Rules } from '../grammar/expression.ts';
import type { Network } from '../grammar/network.ts';
import type { Steps } from '../steps.ts';
import { RecentlyUsed } from './recently-used.ts';
import { SharedSteps } from './shared-steps.ts';

export interface CompiledGrammar {
  /** What it was compiled from. */
  readonly key: string;
  readonly network: Network;
}

/** What a grammar is compiled from, and how. */
export interface GrammarSource {
  readonly key: string;
  rules(): Steps<Rules>;
}

const MOST_COMPILED = 16;

export class Compilations {
  readonly #done = new RecentlyUsed<CompiledGrammar>(MOST_COMPILED);
  readonly #underWay = new Map<string, { readonly shared: SharedSteps<CompiledGrammar>; numUsers: number }>();

  *get(source: GrammarSource): Steps<CompiledGrammar> {
    const { key } = source;
    const known = this.#done.find(key);
    if (known) return known;
    let compilation = this.#underWay.get(key);
    if (!compilation) this.#underWay.set(key, (compilation = { shared: new SharedSteps(compile(source)), numUsers: 0 }));
    compilation.numUsers++;
    try {
      const grammar = yield* compilation.shared.whole();
      this.#done.put(key, grammar);
      return grammar;
    } finally {
      // Nobody goes on with it then.
      if (--compilation.numUsers === 0) this.#underWay.delete(key);
    }
  }
}

function* compile({ key, rules }: GrammarSource): Steps<CompiledGrammar> {
  return { key, network: yield* buildNetwork(yield* rules()) };
}
