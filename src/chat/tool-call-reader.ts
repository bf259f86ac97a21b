// Takes text and tool calls apart while a model writes them, where a grammar holds it to a tool format: names come as soon as they
// are known, arguments in pieces. For text that nothing holds to a form there is ToolCallParser.
import { CallIds } from './call-ids.ts';
import { partialEnd, randomCallId } from './tool-calls.ts';
import type { ToolFormat } from './tool-format.ts';

/** A piece of a call; `id` and `name` come with its first. */
export interface ToolCallDelta {
  /** Which call of the answer. */
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  /** More of the arguments' JSON text. */
  readonly arguments: string;
}

/** Adds pieces to the calls that they belong to. */
export function gatherCalls(calls: { id: string; name: string; arguments: string }[], deltas: readonly ToolCallDelta[]): void {
  for (const { index, id, name, arguments: piece } of deltas) {
    if (id !== undefined) calls[index] = { id, name: name!, arguments: '' };
    calls[index]!.arguments += piece;
  }
}

export interface ToolCallPiece {
  readonly text: string;
  readonly toolCalls: readonly ToolCallDelta[];
}

/** An object's beginning up to its arguments, and that of a call that begins with its name. */
const OBJECT_HEAD = /^\s*(?:\[\s*)?\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/;
const NAMED_HEAD = /^\s*([\w.-]+)(?:\[CALL_ID\]([\w-]{1,64}))?(?:\[ARGS\])?\s*(?=\{)/;
/** What an answer begins with that may turn out to be a call, and with what it is one. */
const MAY_BE_BARE = /^\s*(?:\[\s*)?(?:\{\s*(?:"(?:n(?:a(?:m(?:e"?)?)?)?)?)?)?$/;
const IS_BARE = /^\s*(?:\[\s*)?\{\s*"name"/;
/** A call's beginning is no longer than this. */
const LONGEST_HEAD = 4096;

export class ToolCallReader {
  readonly #format: ToolFormat;
  readonly #names: ReadonlySet<string>;
  readonly #ids: CallIds;
  #mode: 'text' | 'head' | 'arguments' | 'tail' = 'text';
  #held = '';
  #hasText = false;
  #space = '';
  #count = 0;
  #text = '';
  #deltas: ToolCallDelta[] = [];
  readonly #json = new JsonScanner();

  constructor(format: ToolFormat, names: Iterable<string>, newId: () => string = randomCallId) {
    this.#format = format;
    this.#names = new Set(names);
    this.#ids = new CallIds(newId);
  }

  get isAmidCall(): boolean {
    return this.#mode === 'head' || this.#mode === 'arguments';
  }

  push(piece: string): ToolCallPiece {
    this.#held += piece;
    while (this.#held !== '' && this.#advance());
    return this.#taken();
  }

  /** The rest, when the answer is over: what turned out to be no call is text. */
  flush(): ToolCallPiece {
    if (this.#mode === 'text' || this.#mode === 'head') this.#text += this.#space + this.#held;
    this.#space = '';
    this.#held = '';
    return this.#taken();
  }

  #taken(): ToolCallPiece {
    const piece = { text: this.#text, toolCalls: this.#deltas };
    this.#text = '';
    this.#deltas = [];
    return piece;
  }

  /** Takes something off what is held; false where more must come first. */
  #advance(): boolean {
    switch (this.#mode) {
      case 'text': return this.#readText();
      case 'head': return this.#readHead();
      case 'arguments': return this.#readArguments();
      case 'tail': return this.#readTail();
    }
  }

  #readText(): boolean {
    const { opening, isBare } = this.#format;
    if (isBare && !this.#hasText) {
      if (MAY_BE_BARE.test(this.#held)) return false;
      if (IS_BARE.test(this.#held)) return this.#enter('head', 0);
    }
    const found = opening === '' ? -1 : this.#held.indexOf(opening);
    if (found >= 0) {
      this.#show(found);
      return this.#enter('head', opening.length);
    }
    this.#show(this.#held.length - (opening === '' ? 0 : partialEnd(this.#held, opening)));
    return false;
  }

  /** White space alone is no text yet: before a call it is none at all. */
  #show(length: number): void {
    this.#space += this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    if (!this.#hasText && this.#space.trim() === '') return;
    this.#hasText = true;
    this.#text += this.#space;
    this.#space = '';
  }

  #readHead(): boolean {
    const isNamed = this.#format.named !== undefined;
    const head = (isNamed ? NAMED_HEAD : OBJECT_HEAD).exec(this.#held);
    if (!head && this.#held.length <= LONGEST_HEAD) return false;
    const name = head && (isNamed ? head[1]! : JSON.parse(head[1]!) as string);
    if (name === null || !this.#names.has(name)) {
      this.#show(this.#held.length);
      return this.#enter('text', 0);
    }
    this.#space = '';
    this.#deltas.push({ index: this.#count++, id: this.#ids.next(isNamed ? head![2] : undefined), name, arguments: '' });
    this.#json.reset();
    return this.#enter('arguments', head![0].length);
  }

  #readArguments(): boolean {
    const length = this.#json.scan(this.#held);
    this.#deltas.push({ index: this.#count - 1, arguments: this.#held.slice(0, length) });
    return this.#enter(this.#json.isOver ? 'tail' : 'arguments', length);
  }

  /** What stands between two calls, or after the last one. */
  #readTail(): boolean {
    const { opening, closing, named } = this.#format;
    const start = /^[\s}\],;]*/.exec(this.#held)![0].length;
    const rest = this.#held.slice(start);
    if (rest === '') return this.#enter('tail', start);
    if (closing !== '' && rest.startsWith(closing)) return this.#enter('tail', start + closing.length);
    if (opening !== '' && rest.startsWith(opening)) return this.#enter('head', start + opening.length);
    if (named === undefined && rest.startsWith('{')) return this.#enter('head', start);
    if ([opening, closing].some((mark) => mark.startsWith(rest))) return false;
    this.#hasText = true;
    return this.#enter('text', start);
  }

  #enter(mode: 'text' | 'head' | 'arguments' | 'tail', consumed: number): boolean {
    const isStuck = consumed === 0 && mode === this.#mode;
    this.#mode = mode;
    this.#held = this.#held.slice(consumed);
    return !isStuck;
  }
}

/** Finds where a JSON object ends that comes in pieces. */
class JsonScanner {
  #depth = 0;
  #isString = false;
  #isEscaped = false;

  reset(): void {
    [this.#depth, this.#isString, this.#isEscaped] = [0, false, false];
  }

  get isOver(): boolean {
    return this.#depth === 0;
  }

  /** How much of the piece belongs to the object. */
  scan(piece: string): number {
    for (let at = 0; at < piece.length; at++) {
      const character = piece[at]!;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isString) {
        if (character === '\\') this.#isEscaped = true;
        else if (character === '"') this.#isString = false;
      } else if (character === '"') this.#isString = true;
      else if (character === '{' || character === '[') this.#depth++;
      else if ((character === '}' || character === ']') && --this.#depth === 0) return at + 1;
    }
    return piece.length;
  }
}
