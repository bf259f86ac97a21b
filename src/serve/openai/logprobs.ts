// Log-probabilities in the two forms of OpenAI's API.
import type { TokenLogprob } from '../../engine/types.ts';
import { invalidRequest } from '../api-error.ts';
import type { Served } from '../requests/exchange.ts';

/**
 * Log-probabilities of a whole answer, which is gathered in memory and written at once: each takes about 650 bytes then (measured,
 * objects and JSON text together), 80 MB at this limit.
 */
const MAX_GATHERED = 2 ** 17;

/** Throws ApiError 400 where an answer that is gathered may come to more than that. */
export function refuseTooMany(
  { engine, contextPolicy }: Pick<Served, 'engine' | 'contextPolicy'>,
  { numChoices, maxTokens, others, field }: {
    readonly numChoices: number; readonly maxTokens: number | undefined; readonly others: number | undefined; readonly field: string;
  },
): void {
  if (others === undefined) return;
  const { contextLength } = engine.model;
  const numTokens = contextPolicy === 'slide' ? maxTokens ?? contextLength : Math.min(maxTokens ?? contextLength, contextLength);
  const numValues = numChoices * numTokens * (1 + others);
  if (numValues <= MAX_GATHERED) return;
  const each = numChoices === 1 ? '' : `${numChoices} choices of `;
  throw invalidRequest(
    `${each}up to ${numTokens} tokens with ${1 + others} log-probabilities each may come to ${numValues} of them; the limit here for what is ` +
    `gathered is ${MAX_GATHERED}. Ask for fewer, or set ${field}.`, field, 'too_many_logprobs',
  );
}

const encoder = new TextEncoder();
const withBytes = (text: string): { token: string; bytes: number[] } => ({ token: text, bytes: [...encoder.encode(text)] });

/** As chat completions have them. */
export function chatLogprobs(tokens: readonly TokenLogprob[]): object {
  return { content: tokenLogprobs(tokens), refusal: null };
}

export function tokenLogprobs(tokens: readonly TokenLogprob[]): object[] {
  return tokens.map(({ text, logprob, top }) => ({
    ...withBytes(text), logprob,
    top_logprobs: top.map((other) => ({ ...withBytes(other.text), logprob: other.logprob })),
  }));
}

/** As completions have them; `offset` is where the first token begins in the text, in UTF-16 units. */
export function completionLogprobs(tokens: readonly TokenLogprob[], offset: number): object {
  let at = offset;
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, logprob]))),
    text_offset: tokens.map(({ text }) => (at += text.length) - text.length),
  };
}
