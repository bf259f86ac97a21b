// Turns one choice's token messages into chunks: detokenizes, watches for stop strings, adds log-probabilities.
import type { Tokenizer, TokenStream } from '../tokenizer/tokenizer.ts';
import type { TokenMessage } from './protocol.ts';
import { StopStringMatcher } from './stop-strings.ts';
import type { StopString } from './stop-strings.ts';
import type { Choice, FinishReason, GenerateChunk, TokenLogprob } from './types.ts';

export class TextAssembler {
  readonly #tokenizer: Tokenizer;
  readonly #index: number;
  readonly #stream: TokenStream;
  readonly #stops: StopStringMatcher;
  readonly #ids: number[] = [];
  readonly #logprobs: TokenLogprob[] = [];
  #text = '';
  #finishReason: FinishReason | undefined;

  constructor(tokenizer: Tokenizer, index: number, stops: readonly StopString[]) {
    this.#tokenizer = tokenizer;
    this.#index = index;
    this.#stream = tokenizer.stream({ continuation: true });
    this.#stops = new StopStringMatcher(stops);
  }

  get finished(): boolean {
    return this.#finishReason !== undefined;
  }

  /** The chunk for a token; its finishReason is set when the token, or a stop string it completed, ends the choice. */
  push(message: TokenMessage): GenerateChunk {
    const ids = message.stopped ? [] : [message.id];
    const { text: shown, stopped } = this.#stops.push(message.stopped ? '' : this.#stream.push(message.id));
    let text = shown;
    this.#finishReason = stopped ? 'stop' : message.finishReason;
    if (this.#finishReason && !stopped) {
      const rest = this.#stops.push(this.#stream.flush());
      text += rest.text;
      if (rest.stopped) this.#finishReason = 'stop';
      else text += this.#stops.flush();
    }
    const logprobs = message.logprob === undefined || message.stopped ? [] : [this.#logprob(message)];
    this.#ids.push(...ids);
    this.#text += text;
    this.#logprobs.push(...logprobs);
    return {
      index: this.#index, text, ids,
      ...(message.logprob !== undefined && { logprobs }),
      ...(this.#finishReason && { finishReason: this.#finishReason }),
    };
  }

  /** The whole of it, once it has finished. */
  choice(): Choice {
    return {
      index: this.#index, text: this.#text, ids: this.#ids, finishReason: this.#finishReason!,
      ...(this.#logprobs.length > 0 && { logprobs: this.#logprobs }),
    };
  }

  #logprob(message: TokenMessage): TokenLogprob {
    const named = (id: number, logprob: number): { id: number; text: string; logprob: number } =>
      ({ id, text: this.#tokenizer.tokenText(id), logprob });
    return { ...named(message.id, message.logprob!), top: message.top!.map(({ id, logprob }) => named(id, logprob)) };
  }
}
