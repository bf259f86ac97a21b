// How many tokens a request took, in the terms of OpenAI's `usage` and of llama.cpp's `timings`.
import type { GenerateTimings } from '../../engine/types.ts';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

/** Of all choices of one or more prompts; those of one prompt share it. */
export function usageOf(prompts: readonly (readonly GenerateTimings[])[]): Usage {
  const firsts = prompts.flatMap((choices) => choices.slice(0, 1));
  const prompt = firsts.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const completion = prompts.flat().reduce((sum, { newTokens }) => sum + newTokens, 0);
  return {
    prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: firsts.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0) },
  };
}

export function timingsOf(timings: GenerateTimings): Record<string, number> {
  return {
    prompt_n: timings.promptTokens - timings.cachedTokens, cache_n: timings.cachedTokens, predicted_n: timings.newTokens,
    prompt_per_second: timings.prefillTokensPerSecond, predicted_per_second: timings.decodeTokensPerSecond,
    ttft_ms: timings.ttftMs,
  };
}
