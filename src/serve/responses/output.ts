// The output items of a response as they come to be, with the events that tell of them.
import type { ToolCallDelta } from '../../chat/tool-call-reader.ts';
import type { GenerateChunk, TokenLogprob } from '../../engine/types.ts';
import type { ServeEngine } from '../model-pool.ts';
import { tokenLogprobs } from '../openai/logprobs.ts';

type Status = 'in_progress' | 'completed' | 'incomplete';

interface MessageItem {
  readonly type: 'message';
  readonly id: string;
  text: string;
  readonly logprobs: object[];
}

interface CallItem {
  readonly type: 'function_call';
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  arguments: string;
}

type Item = MessageItem | CallItem;

/** An event without its number. */
export type OutputEvent = { readonly type: string; readonly [field: string]: unknown };

/** Only the last item is ever unfinished. */
export class ResponseOutput {
  readonly #items: Item[] = [];
  readonly #tokenizer: ServeEngine['tokenizer'] | undefined;
  #lastStatus: Status = 'in_progress';
  /** Of tokens that have brought no text yet: part of a character, or what a stop string may begin with. */
  #untold: TokenLogprob[] = [];

  /** With the tokenizer, log-probabilities are part of it. */
  constructor(tokenizer?: ServeEngine['tokenizer']) {
    this.#tokenizer = tokenizer;
  }

  /** The items as they are now. */
  items(): object[] {
    return this.#items.map((item, i) => shown(item, i < this.#items.length - 1 ? 'completed' : this.#lastStatus));
  }

  *take({ text, toolCalls = [], logprobs = [] }: GenerateChunk): Generator<OutputEvent, void, void> {
    if (this.#items.at(-1)?.type !== 'function_call' || text !== '') this.#untold.push(...logprobs);
    if (text !== '') yield* this.#write(text, this.#untold.splice(0));
    for (const delta of toolCalls) yield* this.#call(delta);
  }

  /** Ends the last item; an answer without any has an empty message. */
  *end(status: 'completed' | 'incomplete'): Generator<OutputEvent, void, void> {
    if (this.#items.length === 0) yield* this.#open(this.#newMessage());
    const last = this.#items.at(-1)!;
    if (last.type === 'message') last.logprobs.push(...this.#described(this.#untold));
    yield* this.#close(status);
  }

  *#write(text: string, logprobs: readonly TokenLogprob[]): Generator<OutputEvent, void, void> {
    let item = this.#items.at(-1);
    if (item?.type !== 'message') {
      item = this.#newMessage();
      yield* this.#open(item);
    }
    item.text += text;
    const described = this.#described(logprobs);
    item.logprobs.push(...described);
    yield { type: 'response.output_text.delta', ...this.#at(item), content_index: 0, delta: text, logprobs: described };
  }

  *#call({ id, name, arguments: piece }: ToolCallDelta): Generator<OutputEvent, void, void> {
    if (id !== undefined) {
      this.#untold = [];
      yield* this.#open({ type: 'function_call', id: newId('fc'), callId: id, name: name!, arguments: '' });
    }
    if (piece === '') return;
    const item = this.#items.at(-1) as CallItem;
    item.arguments += piece;
    yield { type: 'response.function_call_arguments.delta', ...this.#at(item), delta: piece };
  }

  *#open(item: Item): Generator<OutputEvent, void, void> {
    yield* this.#close('completed');
    this.#items.push(item);
    this.#lastStatus = 'in_progress';
    yield { type: 'response.output_item.added', output_index: this.#items.length - 1, item: { ...shown(item, 'in_progress'), ...(item.type === 'message' && { content: [] }) } };
    if (item.type === 'message') yield { type: 'response.content_part.added', ...this.#at(item), content_index: 0, part: partOf(item) };
  }

  *#close(status: 'completed' | 'incomplete'): Generator<OutputEvent, void, void> {
    const item = this.#items.at(-1);
    if (!item) return;
    this.#lastStatus = status;
    const at = this.#at(item);
    if (item.type === 'message') {
      yield { type: 'response.output_text.done', ...at, content_index: 0, text: item.text, logprobs: item.logprobs };
      yield { type: 'response.content_part.done', ...at, content_index: 0, part: partOf(item) };
    } else {
      yield { type: 'response.function_call_arguments.done', ...at, name: item.name, arguments: item.arguments };
    }
    yield { type: 'response.output_item.done', output_index: at.output_index, item: shown(item, status) };
  }

  #described(logprobs: readonly TokenLogprob[]): object[] {
    return this.#tokenizer ? tokenLogprobs(logprobs, this.#tokenizer) : [];
  }

  #newMessage(): MessageItem {
    return { type: 'message', id: newId('msg'), text: '', logprobs: [] };
  }

  #at({ id }: Item): { readonly item_id: string; readonly output_index: number } {
    return { item_id: id, output_index: this.#items.length - 1 };
  }
}

function shown(item: Item, status: Status): object {
  const { type, id } = item;
  if (item.type === 'message') return { type, id, status, role: 'assistant', content: [partOf(item)] };
  return { type, id, status, call_id: item.callId, name: item.name, arguments: item.arguments };
}

function partOf({ text, logprobs }: MessageItem): object {
  return { type: 'output_text', text, annotations: [], logprobs: [...logprobs] };
}

export function newId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll('-', '')}`;
}
