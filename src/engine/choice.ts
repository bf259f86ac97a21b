// One continuation of a request: its sequence, its sampler, and when it ends.
import type { Sampler } from './sampler/sampler.ts';
import type { GenerateMessage, StepTimings, TokenMessage } from './protocol.ts';
import type { Sequence } from './sequence.ts';

export class Choice {
  readonly request: GenerateMessage;
  readonly index: number;
  readonly sequence: Sequence;
  readonly sampler: Sampler;
  readonly #startedAt: number;
  #firstTokenAt = 0;
  #numNew = 0;

  constructor(request: GenerateMessage, index: number, sequence: Sequence, sampler: Sampler) {
    this.request = request;
    this.index = index;
    this.sequence = sequence;
    this.sampler = sampler;
    this.#startedAt = performance.now();
    for (const id of sequence.ids) sampler.accept(id);
  }

  /** Chooses the next id from `logits` and says what became of it. */
  advance(logits: Float32Array): TokenMessage {
    const { id, logprob, top } = this.sampler.sample(logits);
    this.sampler.accept(id);
    if (this.#numNew++ === 0) this.#firstTokenAt = performance.now();
    const stopped = this.request.stopIds.includes(id);
    const ended = stopped || this.#numNew >= this.request.maxTokens;
    this.sequence.ids.push(id);
    return {
      type: 'token',
      requestId: this.request.requestId,
      choiceIndex: this.index,
      id,
      ...(logprob !== undefined && { logprob, top: top ?? [] }),
      timings: this.timings(),
      ...(ended && { finishReason: stopped ? 'stop' : 'length', stopped }),
    };
  }

  timings(): StepTimings {
    const now = performance.now();
    return {
      prefillTokens: this.request.promptIds.length,
      prefillMs: this.#firstTokenAt - this.#startedAt,
      decodeTokens: this.#numNew - 1,
      decodeMs: now - this.#firstTokenAt,
    };
  }
}
