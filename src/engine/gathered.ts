// What the chunks of one choice come to.
import { gatherCalls } from '../chat/tool-call-reader.ts';
import type { FinishReason, GenerateChunk, GenerateTimings, TokenLogprob, ToolCallResult } from './types.ts';

export class Gathered {
  text = '';
  readonly ids: number[] = [];
  readonly logprobs: TokenLogprob[] = [];
  readonly #toolCalls: { id: string; name: string; arguments: string }[] = [];
  #end: { readonly finishReason: FinishReason; readonly timings: GenerateTimings } | undefined;

  add({ text, ids, logprobs, toolCalls, finishReason, timings }: GenerateChunk): void {
    this.text += text;
    this.ids.push(...ids);
    this.logprobs.push(...(logprobs ?? []));
    gatherCalls(this.#toolCalls, toolCalls ?? []);
    if (finishReason) this.#end = { finishReason, timings: timings! };
  }

  get toolCalls(): readonly ToolCallResult[] {
    return this.#toolCalls;
  }

  /** Of a choice that is over, as are its timings. */
  get finishReason(): FinishReason {
    return this.#end!.finishReason;
  }

  get timings(): GenerateTimings {
    return this.#end!.timings;
  }
}
