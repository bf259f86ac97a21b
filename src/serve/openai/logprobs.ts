// Log-probabilities in the two forms of OpenAI's API.
import type { TokenLogprob } from '../../engine/types.ts';
import { invalidRequest } from '../api-error.ts';
import type { ServeEngine } from '../model-pool.ts';
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

type Tokenizer = ServeEngine['tokenizer'];

/** As chat completions have them. */
export function chatLogprobs(tokens: readonly TokenLogprob[], tokenizer: Tokenizer): object {
  return { content: tokenLogprobs(tokens, tokenizer), refusal: null };
}

/** `bytes` are those of the token, which may be part of a character: put together, they are the answer's. */
export function tokenLogprobs(tokens: readonly TokenLogprob[], tokenizer: Tokenizer): object[] {
  const described = ({ id, text, logprob }: Omit<TokenLogprob, 'top'>): object => ({ token: text, bytes: [...tokenizer.tokenBytes(id)], logprob });
  return tokens.map((token) => ({ ...described(token), top_logprobs: token.top.map(described) }));
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
