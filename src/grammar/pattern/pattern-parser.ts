// Reads the regular expressions of JSON Schema (ECMA-262, as with the flag u) into a tree; what is not regular is refused.
import { LIMITS } from '../limits.ts';
import { ANY, codePoints, complement, pairsOf, union } from '../code-points.ts';
import type { CodePoints } from '../code-points.ts';

export type Pattern =
  | { readonly kind: 'set'; readonly set: CodePoints }
  | { readonly kind: 'sequence' | 'choice'; readonly items: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly item: Pattern; readonly min: number; readonly max: number }
  /** The beginning and the end of the text. */
  | { readonly kind: 'start' | 'end' };

/** Says what is wrong with a pattern; who knows the schema says where. */
export class PatternError extends Error {}

const DIGITS = codePoints([[0x30, 0x39]]);
const WORD = codePoints([[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]);
const SPACES = codePoints([
  [9, 13], [32, 32], [0xa0, 0xa0], [0x1680, 0x1680], [0x2000, 0x200a], [0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f],
  [0x3000, 0x3000], [0xfeff, 0xfeff],
]);
const NOT_LINE_BREAK = complement(codePoints([[10, 10], [13, 13], [0x2028, 0x2029]]));
const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS, D: complement(DIGITS), w: WORD, W: complement(WORD), s: SPACES, S: complement(SPACES),
};
const CONTROL: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, 0: 0 };
const properties = new Map<string, CodePoints>();

export function parsePattern(source: string): Pattern {
  const parser = new Parser(source);
  const pattern = parser.choice();
  if (!parser.isAtEnd) throw new PatternError('it has an unmatched ")"');
  return pattern;
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  choice(): Pattern {
    if (++this.#depth > LIMITS.depth) throw new PatternError(`it nests deeper than ${LIMITS.depth} groups`);
    const items = [this.#sequence()];
    while (this.#take('|')) items.push(this.#sequence());
    this.#depth--;
    return items.length === 1 ? items[0] : { kind: 'choice', items };
  }

  #sequence(): Pattern {
    const items: Pattern[] = [];
    while (!this.isAtEnd && !'|)'.includes(this.#source[this.#at])) items.push(this.#repeated(this.#atom()));
    return items.length === 1 ? items[0] : { kind: 'sequence', items };
  }

  #atom(): Pattern {
    if (this.#take('^')) return { kind: 'start' };
    if (this.#take('$')) return { kind: 'end' };
    if (this.#take('.')) return { kind: 'set', set: NOT_LINE_BREAK };
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return { kind: 'set', set: this.#class() };
    if (this.#take('\\')) return { kind: 'set', set: this.#escape(false) };
    const next = this.#source[this.#at];
    if ('*+?{'.includes(next)) throw new PatternError(`"${next}" repeats nothing`);
    if (']}'.includes(next)) throw new PatternError(`"${next}" must be written "\\${next}"`);
    const character = this.#character();
    return { kind: 'set', set: codePoints([[character, character]]) };
  }

  #group(): Pattern {
    if (this.#take('?')) {
      const named = /<[A-Za-z_$][\w$]*>/y;
      named.lastIndex = this.#at;
      const name = named.exec(this.#source)?.[0];
      if (name) this.#at += name.length;
      else if (!this.#take(':')) throw new PatternError('lookaround and flags in groups cannot be enforced');
    }
    const inner = this.choice();
    if (!this.#take(')')) throw new PatternError('a ")" is missing');
    return inner;
  }

  #repeated(item: Pattern): Pattern {
    const bounds = this.#bounds();
    if (!bounds) return item;
    // Lazy or not, the same texts match.
    this.#take('?');
    if (item.kind === 'start' || item.kind === 'end') throw new PatternError('"^" and "$" cannot be repeated');
    if (this.#bounds()) throw new PatternError('a repetition is repeated without a group');
    return { kind: 'repeat', item, min: bounds[0], max: bounds[1] };
  }

  #bounds(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (this.#source[this.#at] !== '{') return undefined;
    const counts = /\{(\d{1,7})(?:(,)(\d{1,7})?)?\}/y;
    counts.lastIndex = this.#at;
    const found = counts.exec(this.#source);
    if (!found) throw new PatternError('"{" must be written "\\{" or begin a repetition such as {2,5}');
    this.#at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === undefined ? Infinity : Number(found[3]);
    if (max < min) throw new PatternError(`the repetition ${found[0]} ends before it begins`);
    return [min, max];
  }

  #class(): CodePoints {
    const negated = this.#take('^');
    const sets: CodePoints[] = [];
    while (!this.#take(']')) {
      if (this.isAtEnd) throw new PatternError('a "]" is missing');
      const first = this.#take('\\') ? this.#escape(true) : single(this.#character());
      const isRange = this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']';
      if (!isRange) {
        sets.push(first);
        continue;
      }
      this.#at++;
      const last = this.#take('\\') ? this.#escape(true) : single(this.#character());
      if (first.length !== 2 || first[0] !== first[1] || last.length !== 2 || last[0] !== last[1]) {
        throw new PatternError('a range in brackets must go from a character to a character');
      }
      if (last[0] < first[0]) throw new PatternError('a range in brackets ends before it begins');
      sets.push(codePoints([[first[0], last[0]]]));
    }
    const set = union(...sets);
    return negated ? complement(set) : set;
  }

  #escape(inClass: boolean): CodePoints {
    const letter = this.#source[this.#at++];
    if (letter === undefined) throw new PatternError('it ends in a backslash');
    if (Object.hasOwn(CLASSES, letter)) return CLASSES[letter];
    if (letter === 'p' || letter === 'P') return this.#property(letter === 'P');
    if (letter === '0' && /\d/.test(this.#source[this.#at] ?? '')) throw new PatternError('octal escapes do not exist');
    if (Object.hasOwn(CONTROL, letter)) return single(CONTROL[letter]);
    if (letter === 'b' && inClass) return single(8);
    if (letter === 'b' || letter === 'B') throw new PatternError('word boundaries (\\b) cannot be enforced');
    if (/[1-9k]/.test(letter)) throw new PatternError('back references cannot be enforced');
    if (letter === 'x' || letter === 'u') return single(this.#hexadecimal(letter));
    if (letter === 'c') {
      const control = /[A-Za-z]/.exec(this.#source[this.#at] ?? '')?.[0];
      if (control === undefined) throw new PatternError('"\\c" needs a letter');
      this.#at++;
      return single(control.charCodeAt(0) % 32);
    }
    // Outside ASCII letters and digits, an escape is the character itself, as in expressions without the flag u.
    if (/[A-Za-z0-9]/.test(letter)) throw new PatternError(`the escape "\\${letter}" does not exist`);
    this.#at--;
    return single(this.#character());
  }

  #hexadecimal(letter: string): number {
    const escape = letter === 'x' ? /([0-9a-fA-F]{2})/y : /\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4})(?:\\u([0-9a-fA-F]{4}))?/y;
    escape.lastIndex = this.#at;
    const found = escape.exec(this.#source);
    if (!found) throw new PatternError(`"\\${letter}" needs hexadecimal digits`);
    const value = Number.parseInt(found[1] ?? found[2], 16);
    const low = Number.parseInt(found[3] ?? '', 16);
    const isPair = value >= 0xd800 && value <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
    this.#at += found[3] !== undefined && !isPair ? found[0].length - 6 : found[0].length;
    const codePoint = isPair ? 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00) : value;
    if (codePoint > 0x10ffff) throw new PatternError(`U+${codePoint.toString(16)} is no character`);
    return codePoint;
  }

  #property(negated: boolean): CodePoints {
    const name = /\{([A-Za-z0-9_=]{1,60})\}/y;
    name.lastIndex = this.#at;
    const found = name.exec(this.#source);
    if (!found) throw new PatternError('"\\p" needs a property in braces, such as \\p{Letter}');
    this.#at += found[0].length;
    const set = propertySet(found[1]);
    return negated ? complement(set) : set;
  }

  #character(): number {
    const codePoint = this.#source.codePointAt(this.#at)!;
    this.#at += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }

  #take(literal: string): boolean {
    if (!this.#source.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }
}

function single(codePoint: number): CodePoints {
  return codePoints([[codePoint, codePoint]]);
}

/** The code points of a Unicode property, which the JavaScript engine knows; found once. */
function propertySet(name: string): CodePoints {
  const known = properties.get(name);
  if (known) return known;
  let expression: RegExp;
  try {
    expression = new RegExp(`^\\p{${name}}$`, 'u');
  } catch {
    throw new PatternError(`the property \\p{${name}} does not exist`);
  }
  const ranges: [number, number][] = [];
  for (const [first, last] of pairsOf(ANY)) {
    for (let codePoint = first; codePoint <= last; codePoint++) {
      if (!expression.test(String.fromCodePoint(codePoint))) continue;
      const range = ranges.at(-1);
      if (range && range[1] === codePoint - 1) range[1] = codePoint;
      else ranges.push([codePoint, codePoint]);
    }
  }
  const set = codePoints(ranges);
  properties.set(name, set);
  return set;
}
