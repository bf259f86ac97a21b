// Log-probabilities in the two forms of OpenAI's API.
import type { TokenLogprob } from '../../engine/types.ts';

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
