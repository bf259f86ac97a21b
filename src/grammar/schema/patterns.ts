// The languages of `pattern` and `format`, compiled once each, with errors that name keyword and place.
import { combine, includesText, languageOf, PatternBudget } from '../pattern/language.ts';
import type { Language } from '../pattern/language.ts';
import { parsePattern, PatternError } from '../pattern/pattern-parser.ts';
import { ANNOTATING_FORMATS, FORMATS } from './formats.ts';
import type { Json } from './references.ts';
import { unenforceable } from './references.ts';

export class Patterns {
  readonly budget = new PatternBudget();
  readonly #known = new Map<string, Language>();

  /** The strings that keyword and value allow; undefined where that is all of them. */
  language(keyword: 'pattern' | 'format', value: Json, pointer: string): Language | undefined {
    if (typeof value !== 'string') throw unenforceable(keyword, pointer, 'must be a string');
    if (keyword === 'format' && ANNOTATING_FORMATS.has(value)) return undefined;
    if (keyword === 'format' && !Object.hasOwn(FORMATS, value)) {
      throw unenforceable(keyword, pointer, `is ${JSON.stringify(value.slice(0, 60))}; enforced are ${Object.keys(FORMATS).join(', ')}`);
    }
    return this.#compiled(keyword, keyword === 'format' ? `^(?:${FORMATS[value]})$` : value, pointer);
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
      if (error instanceof PatternError) throw unenforceable(keyword, pointer, `is no pattern that can be enforced: ${error.message}`);
      throw error;
    }
  }

  intersect(a: Language, b: Language, keyword: string, pointer: string): Language {
    return this.attempt(keyword, pointer, () => combine(a, b, this.budget));
  }

  #compiled(keyword: string, source: string, pointer: string): Language {
    const known = this.#known.get(source);
    if (known) return known;
    const language = this.attempt(keyword, pointer, () => languageOf(parsePattern(source), this.budget));
    this.#known.set(source, language);
    return language;
  }
}
