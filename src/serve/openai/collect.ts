// A whole generation: what its chunks come to, choice by choice.
import { gatherCalls } from '../../chat/tool-call-reader.ts';
import type { FinishReason, GenerateChunk, GenerateTimings, TokenLogprob, ToolCallResult } from '../../engine/types.ts';

export interface Collected {
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
  readonly finishReason: FinishReason;
  readonly toolCalls: readonly ToolCallResult[];
  readonly timings: GenerateTimings;
}

/** Each choice's whole, with its own timings. */
export async function collect(chunks: AsyncIterable<GenerateChunk>): Promise<Collected[]> {
  const texts: string[] = [];
  const logprobs: TokenLogprob[][] = [];
  const calls: { id: string; name: string; arguments: string }[][] = [];
  const ends: Pick<Collected, 'finishReason' | 'timings'>[] = [];
  for await (const chunk of chunks) {
    const { index, finishReason, timings } = chunk;
    texts[index] = (texts[index] ?? '') + chunk.text;
    (logprobs[index] ??= []).push(...(chunk.logprobs ?? []));
    gatherCalls((calls[index] ??= []), chunk.toolCalls ?? []);
    if (finishReason) ends[index] = { finishReason, timings: timings! };
  }
  return texts.map((text, index) => ({ text, logprobs: logprobs[index]!, toolCalls: calls[index]!, ...ends[index]! }));
}
