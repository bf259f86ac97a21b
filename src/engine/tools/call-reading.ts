// The tool calls of one answer: read from its text and from the marks that the model has as control tokens, and kept.
import { ToolCallReader, gatherCalls } from '../../chat/tool-call-reader.ts';
import type { ToolCallDelta, ToolCallPiece } from '../../chat/tool-call-reader.ts';
import type { ToolFormat } from '../../chat/tool-format.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { ToolCallResult } from '../types.ts';
import type { CheckedTools } from './tool-options.ts';

/** Small models that must call something count on for ever: more calls than this have not been seen to be meant. */
const MAX_CALLS = 64;

export class CallReading {
  readonly #reader: ToolCallReader;
  readonly #marks: ReadonlyMap<number, string>;
  readonly #calls: { id: string; name: string; arguments: string }[] = [];
  /** The pieces of a call that so far says what an earlier one does: nobody hears of it until it differs. */
  #held: ToolCallDelta[] = [];
  /** Arguments of the calls so far, without white space that says nothing; the last one's as far as they go. */
  readonly #written: string[] = [];
  #compactor = new JsonCompactor();
  /** Of the calls before that one, those that begin as it does. */
  #alike: readonly number[] = [];
  #isOver = false;

  constructor(reader: ToolCallReader, marks: ReadonlyMap<number, string>) {
    this.#reader = reader;
    this.#marks = marks;
  }

  get calls(): readonly ToolCallResult[] {
    return this.#calls;
  }

  /** Whether there are calls, and all of them are whole. */
  get isCalling(): boolean {
    return this.#calls.length > 0 && !this.#reader.isAmidCall;
  }

  /** Whether nothing more is to come: a call was made again, or there are as many as there may be. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What a token stands for that is otherwise no text. */
  markOf(id: number): string | undefined {
    return this.#marks.get(id);
  }

  take(text: string, isOver: boolean): ToolCallPiece {
    const pieces = [this.#reader.push(text), ...(isOver ? [this.#reader.flush()] : [])];
    const toolCalls = this.#unrepeated(pieces.flatMap((piece) => piece.toolCalls));
    if (isOver) toolCalls.push(...this.#release());
    if (this.#calls.length >= MAX_CALLS && !this.#reader.isAmidCall) this.#isOver = true;
    return { text: pieces.map((piece) => piece.text).join(''), toolCalls };
  }

  #unrepeated(deltas: readonly ToolCallDelta[]): ToolCallDelta[] {
    const told: ToolCallDelta[] = [];
    for (const delta of deltas) {
      if (delta.id !== undefined) this.#endHeld();
      if (this.#isOver) return told;
      this.#compare(delta);
      this.#held.push(delta);
      if (this.#alike.length === 0) told.push(...this.#release());
    }
    if (!this.#reader.isAmidCall) this.#endHeld();
    return told;
  }

  /** A whole call that is held until now is one that was made before. */
  #endHeld(): void {
    if (this.#held.length > 0) this.#isOver = true;
    this.#held = [];
  }

  /** Looks at each piece once: how much of the call came before is no matter. */
  #compare({ id, name, arguments: piece }: ToolCallDelta): void {
    if (id !== undefined) {
      this.#compactor = new JsonCompactor();
      this.#alike = [...this.#calls.keys()].filter((index) => this.#calls[index]!.name === name);
      this.#written.push('');
    }
    const said = this.#written.pop()!;
    const more = this.#compactor.take(piece);
    this.#alike = this.#alike.filter((index) => this.#written[index]!.startsWith(more, said.length));
    this.#written.push(said + more);
  }

  #release(): ToolCallDelta[] {
    const released = this.#held;
    this.#held = [];
    gatherCalls(this.#calls, released);
    return released;
  }
}

/** Takes the white space that says nothing out of JSON that comes in pieces. */
class JsonCompactor {
  #place: 'outside' | 'string' | 'escape' = 'outside';

  take(piece: string): string {
    let kept = '';
    for (const unit of piece) {
      if (this.#place === 'outside' && /\s/.test(unit)) continue;
      kept += unit;
      if (this.#place === 'escape') this.#place = 'string';
      else if (unit === '"') this.#place = this.#place === 'string' ? 'outside' : 'string';
      else if (unit === '\\' && this.#place === 'string') this.#place = 'escape';
    }
    return kept;
  }
}

/** Makes what reads one answer's calls. */
export function callReading(tokenizer: Tokenizer, format: ToolFormat, { tools }: CheckedTools): () => CallReading {
  const marks = new Map<number, string>();
  for (const mark of [format.opening, format.closing, format.named ?? '', format.callId ?? '']) {
    const ids = mark === '' ? [] : tokenizer.encode(mark, { addSpecial: false, parseSpecial: true });
    if (ids.length === 1 && tokenizer.isControl(ids[0]!)) marks.set(ids[0]!, mark);
  }
  const names = tools.map((tool) => tool.function.name);
  return () => new CallReading(new ToolCallReader(format, names), marks);
}
