// Tool calls in what a model writes: which dialect a chat template speaks, and text and calls apart while the text streams.
import { InvalidArgumentError } from '../errors.ts';
import { CallIds } from './call-ids.ts';
import { jsonEnd, skipSpace } from './tool-calls-json.ts';

/** How a model family writes calls. */
export type ToolDialect = 'hermes' | 'llama3' | 'mistral' | 'json';

export interface ParsedToolCall {
  /** Which call of the answer. */
  readonly index: number;
  readonly id: string;
  readonly name: string;
  /** JSON text of an object. */
  readonly arguments: string;
}

/** What a piece of text brought: text for the user, and calls that it completed. */
export interface ToolCallChunk {
  readonly text: string;
  readonly toolCalls: readonly ParsedToolCall[];
}

interface Dialect {
  /** What begins a call. Where it is '', an answer that begins with "{" is one. */
  readonly opening: string;
  readonly closing: string;
  /** Calls may follow each other in a JSON list. */
  readonly isList: boolean;
}

const DIALECTS: Readonly<Record<ToolDialect, Dialect>> = {
  hermes: { opening: '<tool_call>', closing: '</tool_call>', isList: false },
  llama3: { opening: '<|python_tag|>', closing: '', isList: false },
  mistral: { opening: '[TOOL_CALLS]', closing: '', isList: true },
  json: { opening: '', closing: '', isList: true },
};

/** The dialect that a model's chat template shows. */
export function toolDialect(template: string): ToolDialect {
  if (template.includes('[TOOL_CALLS]')) return 'mistral';
  if (template.includes('<tool_call>')) return 'hermes';
  if (template.includes('<|python_tag|>') || (template.includes('<|start_header_id|>') && template.includes('ipython'))) return 'llama3';
  return 'json';
}

/** What stands between calls; Llama 3 has semicolons there. */
const SEPARATORS = /^[\s;]*$/;
const SEPARATORS_AHEAD = /^[\s;]*/;
/** What stands between a name and its arguments. */
const NAMED_MARKS = /^(?:\[CALL_ID\]([\w-]{1,64}))?(?:\[ARGS\])?/;
const LONGEST_MARKS = 96;
/** A call longer than this is text. */
const LONGEST_CALL = 2 ** 20;

/** Separates one answer's text from its calls. What is no well-formed call of a known tool stays text. */
export class ToolCallParser {
  readonly #dialect: Dialect;
  readonly #names: ReadonlySet<string>;
  readonly #ids: CallIds;
  #held = '';
  #count = 0;
  /** Whether anything but white space was shown. */
  #hasText = false;
  /** White space before what may be a call: the user's only if it is none. */
  #space = '';

  /** `names` are the tools that there are; `newId` names a call. Throws InvalidArgumentError for a dialect that there is not. */
  constructor(dialect: ToolDialect, names: Iterable<string>, newId: () => string = randomCallId) {
    if (!Object.hasOwn(DIALECTS, dialect)) {
      throw new InvalidArgumentError(`There is no dialect ${JSON.stringify(dialect)}. There are ${Object.keys(DIALECTS).join(', ')}; toolDialect(template) chooses one.`);
    }
    this.#dialect = DIALECTS[dialect];
    this.#names = new Set(names);
    this.#ids = new CallIds(newId);
  }

  get numCalls(): number {
    return this.#count;
  }

  push(piece: string): ToolCallChunk {
    this.#held += piece;
    return this.#take(false);
  }

  /** The rest, when the answer is over. */
  flush(): ToolCallChunk {
    return this.#take(true);
  }

  #take(isOver: boolean): ToolCallChunk {
    let text = '';
    const toolCalls: ParsedToolCall[] = [];
    while (this.#held !== '') {
      const begin = this.#begin(isOver);
      const before = this.#held.slice(0, begin.at);
      if (SEPARATORS.test(before) && (this.#count > 0 || (begin.isCall && !this.#hasText))) {
        if (this.#count === 0) this.#space += before;
      } else {
        text += before;
        this.#hasText ||= before.trim() !== '';
      }
      this.#held = this.#held.slice(begin.at);
      if (!begin.isCall) break;
      const call = this.#call(isOver);
      if (call === 'incomplete') break;
      if (call === 'text') {
        const shown = Math.max(1, this.#dialect.opening.length);
        text += this.#space + this.#held.slice(0, shown);
        this.#space = '';
        this.#hasText = true;
        this.#held = this.#held.slice(shown);
        continue;
      }
      this.#space = '';
      toolCalls.push(...call);
    }
    return { text, toolCalls };
  }

  /** Where a call begins or may begin, or the end of what is certainly text. */
  #begin(isOver: boolean): { readonly at: number; readonly isCall: boolean } {
    const held = this.#held;
    const start = this.#count > 0 ? SEPARATORS_AHEAD.exec(held)![0].length : skipSpace(held, 0);
    // Without a mark, a call is a whole answer (or a further call after one).
    const next = held[start];
    const bare = next === '{' || (next === '[' && this.#dialect.isList);
    if (!this.#hasText && this.#dialect.closing === '' && bare && !held.startsWith('[TOOL', start)) return { at: start, isCall: true };
    const { opening } = this.#dialect;
    if (!this.#hasText && start === held.length && !isOver) return { at: 0, isCall: false };
    if (opening === '') return { at: held.length, isCall: false };
    const found = held.indexOf(opening);
    if (found >= 0) return { at: found, isCall: true };
    return { at: isOver ? held.length : held.length - partialEnd(held, opening), isCall: false };
  }

  #call(isOver: boolean): readonly ParsedToolCall[] | 'incomplete' | 'text' {
    const { opening, closing } = this.#dialect;
    const held = this.#held;
    if (held.length > LONGEST_CALL) return 'text';
    const isMarked = opening !== '' && held.startsWith(opening);
    const start = skipSpace(held, isMarked ? opening.length : 0);
    if (start === held.length) return isOver ? 'text' : 'incomplete';
    if (held[start] !== '{' && held[start] !== '[') {
      const named = isMarked ? this.#namedCall(start) : undefined;
      return named === undefined || (named === 'incomplete' && isOver) ? 'text' : named;
    }
    const end = jsonEnd(held, start);
    if (end === 'invalid') return 'text';
    if (end === 'incomplete') return isOver ? 'text' : 'incomplete';
    let after = end;
    if (isMarked && closing !== '') {
      after = skipSpace(held, end);
      const left = held.slice(after, after + closing.length);
      if (left !== closing && (isOver || !closing.startsWith(left))) after = end;
      else if (left !== closing) return 'incomplete';
      else after += closing.length;
    }
    const calls = this.#parsed(held.slice(start, end));
    if (!calls) return 'text';
    this.#held = held.slice(after);
    return calls;
  }

  /** Newer Mistral models: `[TOOL_CALLS]name[CALL_ID]id[ARGS]{…}`, or without the id, or without both marks. */
  #namedCall(start: number): readonly ParsedToolCall[] | 'incomplete' | undefined {
    if (this.#dialect !== DIALECTS.mistral) return undefined;
    const name = /[\w.-]{0,128}/y;
    name.lastIndex = start;
    const found = name.exec(this.#held)![0];
    const marks = NAMED_MARKS.exec(this.#held.slice(start + found.length, start + found.length + LONGEST_MARKS))!;
    const at = start + found.length + marks[0].length;
    const rest = this.#held.slice(at);
    if (['[CALL_ID]', '[ARGS]'].some((mark) => mark.startsWith(rest))) return 'incomplete';
    if (this.#held[at] !== '{') return undefined;
    const end = jsonEnd(this.#held, at);
    if (end === 'invalid' || !this.#names.has(found)) return undefined;
    if (end === 'incomplete') return 'incomplete';
    const call = this.#named(found, this.#held.slice(at, end), marks[1]);
    this.#held = this.#held.slice(end);
    return [call];
  }

  #parsed(json: string): readonly ParsedToolCall[] | undefined {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      return undefined;
    }
    const calls = (Array.isArray(value) ? value : [value]).map((call: unknown) => this.#described(call));
    if (calls.length === 0 || calls.some((call) => call === undefined)) return undefined;
    return calls.map((call) => this.#named(call!.name, call!.arguments));
  }

  #described(call: unknown): { readonly name: string; readonly arguments: string } | undefined {
    if (typeof call !== 'object' || call === null) return undefined;
    const given = call as Record<string, unknown>;
    const target = (typeof given['function'] === 'object' && given['function'] !== null ? given['function'] : given) as Record<string, unknown>;
    const { name } = target;
    const written = target['arguments'] ?? target['parameters'] ?? {};
    if (typeof name !== 'string' || !this.#names.has(name)) return undefined;
    if (typeof written === 'string') return { name, arguments: written };
    return typeof written === 'object' && !Array.isArray(written) ? { name, arguments: JSON.stringify(written) } : undefined;
  }

  #named(name: string, written: string, given?: string): ParsedToolCall {
    return { index: this.#count++, id: this.#ids.next(given), name, arguments: written };
  }
}

/** How many units at the end of `text` begin `mark`. */
export function partialEnd(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}

/** Nine letters and digits, as Mistral's templates demand. */
export function randomCallId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return Array.from(bytes, (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[byte % 62]).join('');
}
