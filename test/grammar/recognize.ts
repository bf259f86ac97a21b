// Reads texts and tokens with a grammar's automaton, as the vectors of test/grammar have them.
import { Automaton } from '../../src/grammar/automaton.ts';
import type { Rules } from '../../src/grammar/expression.ts';
import { buildNetwork } from '../../src/grammar/network-builder.ts';
import { atOnce } from '../../src/steps.ts';

/** A text, or a mixture of texts and tokens that are no text. */
export type Input = string | readonly (string | { readonly token: number })[];

/** An id that grammars do not name, for characters of text. */
const TEXT_TOKEN = 999_999;
const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

export function automatonOf(rules: Rules, root?: string): Automaton {
  return new Automaton(atOnce(buildNetwork(rules, root)));
}

/** Whether the grammar matches the whole input. */
export function matches(automaton: Automaton, input: Input): boolean {
  let position: typeof automaton.start | null = automaton.start;
  for (const part of typeof input === 'string' ? [input] : input) {
    if (typeof part !== 'string') position = position && automaton.nextToken(position, part.token, NO_BYTES);
    else for (const character of part) position = position && automaton.nextToken(position, TEXT_TOKEN, encoder.encode(character));
  }
  return position?.canEnd ?? false;
}
