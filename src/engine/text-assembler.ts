// Turns one choice's token messages into chunks: detokenizes, watches for stop strings, adds log-probabilities. Keeps none of it,
// as a stream may be long.
import type { Tokenizer, TokenStream } from '../tokenizer/tokenizer.ts';
import type { TokenMessage } from './compute/protocol.ts';
import { StopStringMatcher } from './stop-strings.ts';
import type { StopString } from './stop-strings.ts';
import type { CallReading } from './tools/call-reading.ts';
import type { FinishReason, GenerateChunk, TokenLogprob, ToolCallResult } from './types.ts';

/** Where thoughts begin and end: text, also for models (Mistral's) that have these as control tokens. */
const THOUGHTS = ['[THINK]', '[/THINK]'];
const known = new WeakMap<Tokenizer, ReadonlyMap<number, string>>();

function marksOfThoughts(tokenizer: Tokenizer): ReadonlyMap<number, string> {
  let marks = known.get(tokenizer);
  if (!marks) {
    const ids = tokenizer.kind === 'none' ? [] : THOUGHTS.flatMap((mark) => {
      const found = tokenizer.encode(mark, { addSpecial: false, parseSpecial: true });
      return found.length === 1 && tokenizer.isControl(found[0]!) ? [[found[0]!, mark] as const] : [];
    });
    known.set(tokenizer, (marks = new Map(ids)));
  }
  return marks;
}

export class TextAssembler {
  readonly #tokenizer: Tokenizer;
  readonly #index: number;
  readonly #stream: TokenStream;
  readonly #stops: StopStringMatcher;
  readonly #calls: CallReading | undefined;
  readonly #marks: ReadonlyMap<number, string>;
  #finishReason: FinishReason | undefined;

  constructor(tokenizer: Tokenizer, index: number, stops: readonly StopString[], calls?: CallReading) {
    this.#tokenizer = tokenizer;
    this.#index = index;
    this.#stream = tokenizer.stream({ continuation: true });
    this.#stops = new StopStringMatcher(stops);
    this.#calls = calls;
    this.#marks = marksOfThoughts(tokenizer);
  }

  get finished(): boolean {
    return this.#finishReason !== undefined;
  }

  /** The chunk for a token; its finishReason is set when the token, or a stop string it completed, ends the choice. */
  push(message: TokenMessage): GenerateChunk {
    const ids = message.stopped ? [] : [message.id];
    const { text: written, stopped } = this.#stops.push(message.stopped ? '' : this.#written(message.id));
    let text = written;
    this.#finishReason = stopped ? 'stop' : message.finishReason;
    if (this.#finishReason && !stopped) {
      const rest = this.#stops.push(this.#stream.flush());
      text += rest.text;
      if (rest.stopped) this.#finishReason = 'stop';
      else text += this.#stops.flush();
    }
    const { text: shown, toolCalls = [] } = this.#calls?.take(text, this.finished) ?? { text };
    if (this.#calls?.isOver) this.#finishReason = 'tool_calls';
    if (this.#finishReason === 'stop' && this.#calls?.isCalling) this.#finishReason = 'tool_calls';
    const logprobs = message.logprob === undefined || message.stopped ? [] : [this.#logprob(message)];
    return {
      index: this.#index, text: shown, ids,
      ...(message.logprob !== undefined && { logprobs }),
      ...(toolCalls.length > 0 && { toolCalls }),
      ...(this.#finishReason && { finishReason: this.#finishReason }),
    };
  }

  /** So far; undefined where none is read. */
  get toolCalls(): readonly ToolCallResult[] | undefined {
    return this.#calls?.calls;
  }

  #written(id: number): string {
    const text = this.#stream.push(id);
    return text + (this.#calls?.markOf(id) ?? this.#marks.get(id) ?? '');
  }

  #logprob(message: TokenMessage): TokenLogprob {
    const named = (id: number, logprob: number): { id: number; text: string; logprob: number } =>
      ({ id, text: this.#tokenizer.tokenText(id), logprob });
    return { ...named(message.id, message.logprob!), top: message.top!.map(({ id, logprob }) => named(id, logprob)) };
  }
}
