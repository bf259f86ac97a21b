// The tool calls of one answer: read from its text and from the marks that the model has as control tokens, and kept.
import { ToolCallReader, gatherCalls } from '../../chat/tool-call-reader.ts';
import type { ToolCallPiece } from '../../chat/tool-call-reader.ts';
import type { ToolFormat } from '../../chat/tool-format.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { ToolCallResult } from '../types.ts';
import type { CheckedTools } from './tool-options.ts';

export class CallReading {
  readonly #reader: ToolCallReader;
  readonly #marks: ReadonlyMap<number, string>;
  readonly #calls: { id: string; name: string; arguments: string }[] = [];

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

  /** What a token stands for that is otherwise no text. */
  markOf(id: number): string | undefined {
    return this.#marks.get(id);
  }

  take(text: string, isOver: boolean): ToolCallPiece {
    const pieces = [this.#reader.push(text), ...(isOver ? [this.#reader.flush()] : [])];
    const toolCalls = pieces.flatMap((piece) => piece.toolCalls);
    gatherCalls(this.#calls, toolCalls);
    return { text: pieces.map((piece) => piece.text).join(''), toolCalls };
  }
}

/** Makes what reads one answer's calls. */
export function callReading(tokenizer: Tokenizer, format: ToolFormat, { tools }: CheckedTools): () => CallReading {
  const marks = new Map<number, string>();
  for (const mark of [format.opening, format.closing, format.named ?? '']) {
    const ids = mark === '' ? [] : tokenizer.encode(mark, { addSpecial: false, parseSpecial: true });
    if (ids.length === 1 && tokenizer.isControl(ids[0]!)) marks.set(ids[0]!, mark);
  }
  const names = tools.map((tool) => tool.function.name);
  return () => new CallReading(new ToolCallReader(format, names), marks);
}
