// Reads GBNF, the notation of llama.cpp: rules of strings, character classes, rule names, groups, repetitions and tokens.
import { GrammarError } from '../errors.ts';
import type { Steps } from '../steps.ts';
import { ANY, codePoints, complement } from './code-points.ts';
import { EMPTY, characters, choice, repeat, rule, sequence, text } from './expression.ts';
import type { Expression, Rules } from './expression.ts';
import { LIMITS } from './limits.ts';

export interface GbnfOptions {
  /** The id of the token that is spelled `<name>`. */
  readonly tokenId?: (spelling: string) => number | undefined;
}

/** Throws GrammarError that names line and column. */
export function* parseGbnf(source: string, options: GbnfOptions = {}): Steps<Rules> {
  if (source.length > LIMITS.textLength) {
    throw new GrammarError(`The grammar has ${source.length} UTF-16 units; at most ${LIMITS.textLength} are allowed.`);
  }
  return yield* new Parser(source, options).rules();
}

const RULES_A_STEP = 32;
const NAME = /[A-Za-z0-9_-]+/y;
const NUMBER = /\d+/y;
const RULE_START = /[A-Za-z0-9_-]+[ \t]*::=/y;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', '\\': '\\', '"': '"', '[': '[', ']': ']' };
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

class Parser {
  readonly #source: string;
  readonly #options: GbnfOptions;
  #at = 0;
  #depth = 0;

  constructor(source: string, options: GbnfOptions) {
    this.#source = source;
    this.#options = options;
  }

  *rules(): Steps<Rules> {
    const rules = new Map<string, Expression>();
    for (this.#skip(true); this.#at < this.#source.length; this.#skip(true)) {
      const name = this.#match(NAME) ?? this.#fail('a rule name');
      this.#skip(false);
      if (!this.#take('::=')) this.#fail('"::="');
      // A rule that is written twice is what it is the last time, as in llama.cpp.
      rules.set(name, this.#alternatives(false).expression);
      if (rules.size % RULES_A_STEP === 0) yield;
      this.#skip(false);
      if (this.#at < this.#source.length && !isLineBreak(this.#source[this.#at])) this.#fail('a line break or the next part of a rule');
    }
    return rules;
  }

  #alternatives(nested: boolean): Counted {
    if (++this.#depth > LIMITS.depth) throw this.#error(`the rule nests deeper than ${LIMITS.depth} brackets`);
    const items: Counted[] = [this.#sequence(nested, true)];
    for (;;) {
      this.#skip(nested);
      if (!this.#take('|')) break;
      items.push(this.#sequence(nested, true));
    }
    this.#depth--;
    return { expression: choice(...items.map((item) => item.expression)), copies: Math.max(...items.map((item) => item.copies)) };
  }

  #sequence(nested: boolean, opening: boolean): Counted {
    const items: Counted[] = [];
    for (let first = opening; ; first = false) {
      // After "::=" and "|" a rule may go on in the next line.
      this.#skip(nested || (first && !this.#ruleAhead()));
      const item = this.#item();
      if (!item) break;
      items.push(this.#repeated(item, nested));
    }
    if (items.length === 0) return { expression: EMPTY, copies: 1 };
    const copies = Math.max(...items.map((item) => item.copies));
    return { expression: items.length === 1 ? items[0].expression : sequence(...items.map((item) => item.expression)), copies };
  }

  #item(): Counted | undefined {
    const next = this.#source[this.#at];
    if (next === '"') return once(this.#string());
    if (next === '[') return once(this.#class());
    if (next === '<' || (next === '!' && this.#source[this.#at + 1] === '<')) return once(this.#token());
    if (this.#take('.')) return once(characters(ANY));
    if (this.#take('(')) {
      const inner = this.#alternatives(true);
      this.#skip(true);
      if (!this.#take(')')) this.#fail('")"');
      return inner;
    }
    const name = this.#ruleAhead() ? undefined : this.#match(NAME);
    return name === undefined ? undefined : once(rule(name));
  }

  #repeated(item: Counted, nested: boolean): Counted {
    for (;;) {
      const before = this.#at;
      this.#skip(nested);
      const bounds = this.#bounds();
      if (!bounds) {
        this.#at = before;
        return item;
      }
      const [min, max] = bounds;
      if (min > LIMITS.leastRepeat) throw this.#error(`a repetition demands ${min} times; at most ${LIMITS.leastRepeat} are allowed`);
      const copies = item.copies * Math.max(1, max === Infinity ? min + 1 : max);
      if (copies > LIMITS.repeatProduct) throw this.#error(`repetitions within each other come to ${copies} copies; make them smaller`);
      item = { expression: repeat(item.expression, min, max), copies };
    }
  }

  #bounds(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return undefined;
    this.#skip(false);
    const min = this.#match(NUMBER) ?? this.#fail('a number');
    this.#skip(false);
    let max = min;
    if (this.#take(',')) {
      this.#skip(false);
      max = this.#match(NUMBER) ?? 'Infinity';
      this.#skip(false);
    }
    if (!this.#take('}')) this.#fail('"}"');
    if (Number(max) < Number(min)) throw this.#error(`the repetition {${min},${max}} ends before it begins`);
    return [Number(min), Number(max)];
  }

  #string(): Expression {
    this.#at++;
    let value = '';
    while (!this.#take('"')) value += String.fromCodePoint(this.#character('a closing quote'));
    return text(value);
  }

  #class(): Expression {
    this.#at++;
    const negated = this.#take('^');
    const ranges: [number, number][] = [];
    while (!this.#take(']')) {
      const first = this.#character('"]"');
      let last = first;
      if (this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']' && this.#take('-')) last = this.#character('"]"');
      if (last < first) throw this.#error('a range of characters ends before it begins');
      ranges.push([first, last]);
    }
    const set = codePoints(ranges);
    return characters(negated ? complement(set) : set);
  }

  #token(): Expression {
    const negated = this.#take('!');
    const end = this.#source.indexOf('>', this.#at);
    if (end < 0) this.#fail('">"');
    const spelling = this.#source.slice(this.#at, end + 1);
    const listed = /^<\[(\d{1,9})\]>$/.exec(spelling)?.[1];
    const id = listed === undefined ? this.#options.tokenId?.(spelling) : Number(listed);
    if (id === undefined) throw this.#error(`${spelling.slice(0, 80)} is no single token of this model`);
    this.#at = end + 1;
    return { kind: 'token', id, negated };
  }

  #character(wanted: string): number {
    const codePoint = this.#source.codePointAt(this.#at);
    if (codePoint === undefined || codePoint === 0x0a || codePoint === 0x0d) this.#fail(wanted);
    if (codePoint !== 0x5c) {
      this.#at += codePoint > 0xffff ? 2 : 1;
      return checkedCodePoint(codePoint, this);
    }
    const letter = this.#source[this.#at + 1] ?? '';
    this.#at += 2;
    const digits = HEX_DIGITS[letter];
    if (digits === undefined) return (SIMPLE_ESCAPES[letter] ?? this.#fail('a known escape')).codePointAt(0)!;
    const hex = this.#source.slice(this.#at, this.#at + digits);
    if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) this.#fail(`${digits} hexadecimal digits`);
    this.#at += digits;
    return checkedCodePoint(Number.parseInt(hex, 16), this);
  }

  /** Whether the next thing, perhaps some lines further, is another rule. */
  #ruleAhead(): boolean {
    RULE_START.lastIndex = this.#afterSpace(true);
    return RULE_START.test(this.#source);
  }

  /** Skips blanks, comments and, with `lines`, line breaks. */
  #skip(lines: boolean): void {
    this.#at = this.#afterSpace(lines);
  }

  #afterSpace(lines: boolean): number {
    let at = this.#at;
    for (;;) {
      const next = this.#source[at];
      if (next === '#') while (at < this.#source.length && !isLineBreak(this.#source[at])) at++;
      else if (next === ' ' || next === '\t' || (lines && isLineBreak(next))) at++;
      else return at;
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #take(literal: string): boolean {
    if (!this.#source.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }

  #fail(wanted: string): never {
    const found = this.#at >= this.#source.length ? 'the end' : JSON.stringify(this.#source.slice(this.#at, this.#at + 20));
    throw this.#error(`expected ${wanted}, found ${found}`);
  }

  error(what: string): GrammarError {
    return this.#error(what);
  }

  #error(what: string): GrammarError {
    const lines = this.#source.slice(0, this.#at).split('\n');
    return new GrammarError(`The grammar is wrong in line ${lines.length}, column ${lines.at(-1)!.length + 1}: ${what}.`);
  }
}

/** An expression, and how often its innermost part may come. */
interface Counted {
  readonly expression: Expression;
  readonly copies: number;
}

function isLineBreak(character: string | undefined): boolean {
  return character === '\n' || character === '\r';
}

function once(expression: Expression): Counted {
  return { expression, copies: 1 };
}

function checkedCodePoint(codePoint: number, parser: Parser): number {
  if (codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff)) return codePoint;
  throw parser.error(`U+${codePoint.toString(16).toUpperCase()} is no character`);
}
