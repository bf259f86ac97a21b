// A whole generation: what its chunks come to, choice by choice.
import type { GenerateChunk, GenerateTimings, TokenLogprob } from '../engine/types.ts';

export interface Collected {
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
  readonly finishReason: string;
  readonly timings: GenerateTimings;
}

/** Each choice's whole, with its own timings. */
export async function collect(chunks: AsyncIterable<GenerateChunk>): Promise<Collected[]> {
  const texts: string[] = [];
  const logprobs: TokenLogprob[][] = [];
  const ends: Pick<Collected, 'finishReason' | 'timings'>[] = [];
  for await (const chunk of chunks) {
    const { index, finishReason, timings } = chunk;
    texts[index] = (texts[index] ?? '') + chunk.text;
    (logprobs[index] ??= []).push(...(chunk.logprobs ?? []));
    if (finishReason) ends[index] = { finishReason, timings: timings! };
  }
  return texts.map((text, index) => ({ text, logprobs: logprobs[index]!, ...ends[index]! }));
}
