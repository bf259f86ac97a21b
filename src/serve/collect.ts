// A whole generation: what its chunks come to, choice by choice.
import type { GenerateOptions, GenerateTimings, Prompt, TokenLogprob } from '../engine/types.ts';
import type { ServeEngine } from './model-pool.ts';

export interface Collected {
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
  readonly finishReason: string;
  readonly timings: GenerateTimings;
}

/** As `engine.complete`, with each choice's own timings. */
export async function collect(engine: ServeEngine, prompt: Prompt, options: GenerateOptions): Promise<Collected[]> {
  const texts: string[] = [];
  const logprobs: TokenLogprob[][] = [];
  const ends: Pick<Collected, 'finishReason' | 'timings'>[] = [];
  for await (const chunk of engine.generate(prompt, options)) {
    const { index, finishReason, timings } = chunk;
    texts[index] = (texts[index] ?? '') + chunk.text;
    (logprobs[index] ??= []).push(...(chunk.logprobs ?? []));
    if (finishReason) ends[index] = { finishReason, timings: timings! };
  }
  return texts.map((text, index) => ({ text, logprobs: logprobs[index]!, ...ends[index]! }));
}
