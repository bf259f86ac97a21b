// The sampling fields of a request as the engine's options.
import type { GenerateOptions } from '../../engine/types.ts';
import type { Served } from '../exchange.ts';
import type { SamplingRequest } from './schemas.ts';

/** What OpenAI's API does where a request says nothing; the engine's own defaults are llama.cpp's. */
const DEFAULTS = { temperature: 1, topP: 1, topK: 0, minP: 0 } as const;

export function generateOptions(request: SamplingRequest, { signal, contextPolicy }: Pick<Served, 'signal' | 'contextPolicy'>): GenerateOptions {
  const bias = Object.entries(request.logit_bias ?? {}).map(([id, value]) => [Number(id), value] as const);
  return {
    temperature: request.temperature ?? DEFAULTS.temperature,
    topP: positive(request.top_p) ?? DEFAULTS.topP,
    topK: request.top_k ?? (request.top_p === 0 ? 1 : DEFAULTS.topK),
    minP: request.min_p ?? DEFAULTS.minP,
    maxTokens: request.max_tokens ?? undefined,
    n: request.n ?? 1,
    stop: request.stop ?? undefined,
    seed: request.seed ?? undefined,
    presencePenalty: request.presence_penalty ?? undefined,
    frequencyPenalty: request.frequency_penalty ?? undefined,
    repetitionPenalty: request.repetition_penalty,
    ignoreEos: request.ignore_eos,
    ...(bias.length > 0 && { logitBias: Object.fromEntries(bias) }),
    contextPolicy,
    signal,
  };
}

/** The engine wants a mass above 0: a `top_p` of 0 is the likeliest token alone, which topK 1 says. */
function positive(topP: number | null | undefined): number | undefined {
  return topP ? topP : undefined;
}
