// Cuts text at the special tokens it may hold: user-defined ones anywhere, control tokens where the text is trusted.
import type { Steps } from '../steps.ts';
import { PrefixIndex } from './prefix-index.ts';
import type { Prefix } from './prefix-index.ts';
import { TOKEN_KIND } from './vocabulary.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Part of a text; `trusted` says whether control tokens spelled in it are meant. */
export interface TextSpan {
  readonly text: string;
  readonly trusted: boolean;
}

/** Which tokens swallow the white space beside them. */
export interface StripRules {
  readonly left: ReadonlySet<number>;
  readonly right: ReadonlySet<number>;
}

interface Matchers {
  readonly plain: PrefixIndex;
  readonly trusted: PrefixIndex;
  readonly start: RegExp;
}

const SPECIAL = TOKEN_KIND.control | TOKEN_KIND.unknown | TOKEN_KIND.userDefined;
/** `<|user|>` and its like: markup of a conversation even where a model lists it as user-defined. */
const MARKUP = /^<[|｜].*[|｜]>$/u;
/** Places looked at where a token may begin. */
const TRIES_A_STEP = 512;

export class SpecialMatcher {
  readonly #vocabulary: Vocabulary;
  readonly #strip: StripRules;
  #everywhere: Matchers | undefined;
  #conversation: Matchers | undefined;

  constructor(vocabulary: Vocabulary, strip: StripRules) {
    this.#vocabulary = vocabulary;
    this.#strip = strip;
  }

  /** Texts and ids in order. User-defined tokens count in all of it, as the models were trained. */
  split(span: TextSpan): Steps<(string | number)[]> {
    this.#everywhere ??= this.#matchers(() => true);
    return this.#cut(span.text, [span.trusted ? span.text.length : -1], [span.text.length], this.#everywhere);
  }

  /** The same for a conversation: what looks like markup counts in trusted spans only, whatever its kind. */
  splitConversation(spans: readonly TextSpan[]): Steps<(string | number)[]> {
    this.#conversation ??= this.#matchers((text) => !MARKUP.test(text));
    const ends: number[] = [];
    const trustedUntil: number[] = [];
    let end = 0;
    for (const { text } of spans) ends.push((end += text.length));
    for (let i = spans.length - 1; i >= 0; i--) {
      // A token may run across trusted spans that touch, never into an untrusted one.
      trustedUntil[i] = !spans[i]!.trusted ? -1 : Math.max(ends[i]!, trustedUntil[i + 1] ?? -1);
    }
    return this.#cut(spans.map(({ text }) => text).join(''), trustedUntil, ends, this.#conversation);
  }

  #matchers(inPlainText: (text: string) => boolean): Matchers {
    const { kinds } = this.#vocabulary;
    const special: Prefix[] = [];
    for (let id = 0; id < kinds.length; id++) if ((kinds[id]! & SPECIAL) !== 0) special.push({ id, text: this.#vocabulary.text(id) });
    const userDefined = special.filter(({ id, text }) => (kinds[id]! & SPECIAL) === TOKEN_KIND.userDefined && inPlainText(text));
    const trusted = new PrefixIndex(special);
    return { trusted, plain: new PrefixIndex(userDefined), start: anyUnit(trusted.firstUnits) };
  }

  *#cut(
    text: string, trustedUntil: readonly number[], spanEnds: readonly number[], matchers: Matchers,
  ): Steps<(string | number)[]> {
    const pieces: (string | number)[] = [];
    const { plain, trusted, start } = matchers;
    let bestId = -1;
    let bestEnd = 0;
    let textFrom = 0;
    let span = 0;
    const keepLongest = (id: number, end: number): void => {
      if (end > bestEnd) [bestId, bestEnd] = [id, end];
    };
    const next = (at: number): number => {
      start.lastIndex = at;
      return start.exec(text)?.index ?? -1;
    };
    let numTried = 0;
    for (let from = next(0), after = 0; from >= 0; from = next(after)) {
      if (++numTried % TRIES_A_STEP === 0) yield;
      after = from + 1;
      while (from >= spanEnds[span]!) span++;
      bestEnd = from;
      plain.walk(text, from, text.length, keepLongest);
      trusted.walk(text, from, trustedUntil[span]!, keepLongest);
      if (bestEnd === from) continue;
      const textEnd = this.#strip.left.has(bestId) ? beforeSpace(text, textFrom, from) : from;
      if (textEnd > textFrom) pieces.push(text.slice(textFrom, textEnd));
      pieces.push(bestId);
      textFrom = this.#strip.right.has(bestId) ? skipSpace(text, bestEnd) : bestEnd;
      after = textFrom;
    }
    if (textFrom < text.length) pieces.push(text.slice(textFrom));
    return pieces;
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Where the white space begins that ends at `to`, or `from`. */
function beforeSpace(text: string, from: number, to: number): number {
  let at = to;
  while (at > from && isSpace(text.charCodeAt(at - 1))) at--;
  return at;
}

function isSpace(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13);
}

function anyUnit(units: Iterable<number>): RegExp {
  const escaped = Array.from(units, (unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  return new RegExp(escaped === '' ? '(?!)' : `[${escaped}]`, 'g');
}
