// Texts that end a repetition for DRY, as the ids of the tokens that have them: the engine takes ids.
import type { ServeEngine } from '../../model-pool.ts';

type Tokenizer = ServeEngine['tokenizer'];

/** Ids by text, for each model: a vocabulary is walked through once for a text. */
const known = new WeakMap<Tokenizer, Map<string, readonly number[]>>();
const MAX_KNOWN = 64;

export function breakerIds(tokenizer: Tokenizer, breakers: readonly string[]): number[] {
  let texts = known.get(tokenizer);
  if (!texts || texts.size > MAX_KNOWN) known.set(tokenizer, texts = new Map<string, readonly number[]>());
  const unknown = breakers.filter((text) => !texts.has(text));
  if (unknown.length > 0) for (const [text, ids] of tokensWith(tokenizer, unknown)) texts.set(text, ids);
  return [...new Set(breakers.flatMap((text) => texts.get(text)!))];
}

function tokensWith(tokenizer: Tokenizer, texts: readonly string[]): Map<string, number[]> {
  const found = new Map(texts.map((text) => [text, [] as number[]]));
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const token = tokenizer.tokenText(id);
    for (const [text, ids] of found) if (token.includes(text)) ids.push(id);
  }
  return found;
}
