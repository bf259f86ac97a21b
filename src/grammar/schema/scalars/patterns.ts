// The languages of `pattern` and `format`, compiled once each, with errors that name keyword and place.
import { LIMITS } from '../../limits.ts';
import { EVERYTHING, combine, includesText, languageOf, lengths, literals, PatternBudget } from '../../pattern/language.ts';
import type { Language } from '../../pattern/language.ts';
import { parsePattern, PatternError } from '../../pattern/pattern-parser.ts';
import { ANNOTATING_FORMATS, FORMATS, FORMATS_OF_NUMBERS, WIDER_FORMATS, isNarrower } from './formats.ts';
import type { Json } from '../references.ts';
import type { Shape } from '../shape.ts';
import { unenforceable } from '../references.ts';

/** What a state costs that is written into the grammar, besides what it costs to find. */
const STATE_WORK = 6;

export class Patterns {
  readonly budget = new PatternBudget();
  readonly #known = new Map<string, Language>();
  readonly #withLength = new Map<Language, Map<string, Language>>();

  /** The strings that keyword and value allow; undefined where that is all of them. */
  language(keyword: 'pattern' | 'format', value: Json, pointer: string): Language | undefined {
    if (typeof value !== 'string') throw unenforceable(keyword, pointer, 'must be a string');
    if (keyword === 'format' && (ANNOTATING_FORMATS.has(value) || FORMATS_OF_NUMBERS.has(value))) return undefined;
    if (keyword === 'format' && !Object.hasOwn(FORMATS, value)) {
      throw unenforceable(keyword, pointer, `is ${JSON.stringify(value.slice(0, 60))}; enforced are ${Object.keys(FORMATS).join(', ')}`);
    }
    return this.#compiled(keyword, keyword === 'format' ? `^(?:${FORMATS[value]})$` : value, pointer);
  }

  /** At least the strings that keyword and value allow: `language`, or more where that is narrower than the standard. */
  atLeast(keyword: 'pattern' | 'format', value: Json, pointer: string): Language | undefined {
    if (keyword === 'pattern' || !isNarrower(value)) return this.language(keyword, value, pointer);
    return this.#compiled(keyword, WIDER_FORMATS[value as string], pointer);
  }

  includes(keyword: 'pattern' | 'format', value: Json, pointer: string, text: string): boolean {
    const language = this.language(keyword, value, pointer);
    return !language || includesText(language, text);
  }

  /** Runs `work` on languages; an error of theirs is `keyword`'s. */
  attempt<T>(keyword: string, pointer: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof PatternError) throw unenforceable(keyword, pointer, `${keyword === 'pattern' ? 'is no pattern that can' : 'cannot'} be enforced: ${error.message}`);
      throw error;
    }
  }

  combine(a: Language, b: Language, keyword: string, pointer: string, texts?: 'both' | 'first' | 'either'): Language {
    return this.attempt(keyword, pointer, () => combine(a, b, this.budget, texts));
  }

  literals(texts: readonly string[], keyword: string, pointer: string): Language {
    return this.attempt(keyword, pointer, () => literals(texts, this.budget));
  }

  /**
   * The texts of a shape's language and length. Where following both takes too many states, only shorter texts: a pattern
   * beside maxLength 2000 is no reason to refuse.
   */
  withLength({ language = EVERYTHING, minLength, maxLength }: Pick<Shape, 'language' | 'minLength' | 'maxLength'>, pointer: string): Language {
    if (minLength === 0 && maxLength === Infinity) return language;
    const key = `${minLength},${maxLength}`;
    const ofLanguage = this.#withLength.get(language) ?? new Map<string, Language>();
    this.#withLength.set(language, ofLanguage);
    const most = maxLength === Infinity ? maxLength : Math.max(minLength, Math.min(maxLength, Math.floor(LIMITS.patternStates / language.next.length) - 1));
    const known = ofLanguage.get(key);
    if (known) return known;
    const combined = this.attempt('pattern', pointer, () => {
      const both = combine(language, lengths(minLength, most), this.budget);
      this.budget.spend(STATE_WORK * both.next.length);
      return both;
    });
    ofLanguage.set(key, combined);
    return combined;
  }

  #compiled(keyword: string, source: string, pointer: string): Language {
    const known = this.#known.get(source);
    if (known) return known;
    const language = this.attempt(keyword, pointer, () => languageOf(parsePattern(source), this.budget));
    this.#known.set(source, language);
    return language;
  }
}
