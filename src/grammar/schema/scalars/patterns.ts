// The languages of `pattern` and `format`, compiled once each, with errors that name keyword and place.
import { atOnce } from '../../../steps.ts';
import type { Steps } from '../../../steps.ts';
import { LIMITS } from '../../limits.ts';
import { EVERYTHING, combine, includesText, languageOf, lengths, literals, PatternBudget } from '../../pattern/language.ts';
import type { Language } from '../../pattern/language.ts';
import { parsePattern, PatternError } from '../../pattern/pattern-parser.ts';
import { ANNOTATING_FORMATS, FORMATS, FORMATS_OF_NUMBERS, WIDER_FORMATS, isNarrower } from './formats.ts';
import type { Json, JsonObject } from '../references.ts';
import type { Shape } from '../shape.ts';
import { isObject, unenforceable } from '../references.ts';

/** What a state costs that is written into the grammar, besides what it costs to find. */
const STATE_WORK = 6;

type Combined = 'both' | 'first' | 'either';

/** A language that nobody has asked for yet, or its error. */
interface Foreseen {
  readonly cost: number;
  language(): Language;
}

export class Patterns {
  readonly budget = new PatternBudget();
  readonly #known = new Map<string, Language>();
  readonly #foreseen = new Map<string, Foreseen>();
  /** For what may never be asked for. */
  readonly #ahead = new PatternBudget();
  readonly #withLength = new Map<Language, Map<string, Language>>();

  /** The strings that keyword and value allow; undefined where that is all of them. */
  language(keyword: 'pattern' | 'format', value: Json, pointer: string): Language | undefined {
    if (typeof value !== 'string') throw unenforceable(keyword, pointer, 'must be a string');
    if (keyword === 'format' && (ANNOTATING_FORMATS.has(value) || FORMATS_OF_NUMBERS.has(value))) return undefined;
    if (keyword === 'format' && !Object.hasOwn(FORMATS, value)) {
      throw unenforceable(keyword, pointer, `is ${JSON.stringify(value.slice(0, 60))}; enforced are ${Object.keys(FORMATS).join(', ')}`);
    }
    return this.#compiled(keyword, keyword === 'format' ? formatPattern(value) : value, pointer);
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

  /** The same with pauses. */
  *attemptSteps<T>(keyword: string, pointer: string, work: Steps<T>): Steps<T> {
    for (;;) {
      const { done, value } = this.attempt(keyword, pointer, () => work.next());
      if (done) return value;
      yield;
    }
  }

  combine(a: Language, b: Language, keyword: string, pointer: string, texts?: Combined): Language {
    return atOnce(this.combineSteps(a, b, keyword, pointer, texts));
  }

  combineSteps(a: Language, b: Language, keyword: string, pointer: string, texts?: Combined): Steps<Language> {
    return this.attemptSteps(keyword, pointer, combine(a, b, this.budget, texts));
  }

  literals(texts: readonly string[], keyword: string, pointer: string): Steps<Language> {
    return this.attemptSteps(keyword, pointer, literals(texts, this.budget));
  }

  /** Compiles with pauses what a schema's own keywords say, so that it is known when it is asked for; what it costs is charged then. */
  *prepare(schema: JsonObject): Steps<void> {
    const { pattern, format, type } = schema;
    const isOfText = type === undefined || type === 'string' || (Array.isArray(type) && type.includes('string'));
    if (isOfText && typeof pattern === 'string') yield* this.#foresee(pattern);
    if (isOfText && typeof format === 'string' && Object.hasOwn(FORMATS, format)) yield* this.#foresee(formatPattern(format));
    if (isObject(schema['patternProperties'])) for (const each of Object.keys(schema['patternProperties'])) yield* this.#foresee(each);
  }

  /**
   * The texts of a shape's language and length. Where following both takes too many states, only shorter texts: a pattern
   * beside maxLength 2000 is no reason to refuse.
   */
  *withLength({ language = EVERYTHING, minLength, maxLength }: Pick<Shape, 'language' | 'minLength' | 'maxLength'>, pointer: string): Steps<Language> {
    if (minLength === 0 && maxLength === Infinity) return language;
    const key = `${minLength},${maxLength}`;
    const ofLanguage = this.#withLength.get(language) ?? new Map<string, Language>();
    this.#withLength.set(language, ofLanguage);
    const most = maxLength === Infinity ? maxLength : Math.max(minLength, Math.min(maxLength, Math.floor(LIMITS.patternStates / language.next.length) - 1));
    const known = ofLanguage.get(key);
    if (known) return known;
    const combined = yield* this.attemptSteps('pattern', pointer, this.#cut(language, minLength, most));
    ofLanguage.set(key, combined);
    return combined;
  }

  *#cut(language: Language, minLength: number, maxLength: number): Steps<Language> {
    const both = yield* combine(language, lengths(minLength, maxLength), this.budget);
    this.budget.spend(STATE_WORK * both.next.length);
    return both;
  }

  #compiled(keyword: string, source: string, pointer: string): Language {
    const known = this.#known.get(source);
    if (known) return known;
    const language = this.attempt(keyword, pointer, () => {
      const foreseen = this.#foreseen.get(source);
      if (!foreseen) return atOnce(languageOf(parsePattern(source), this.budget));
      this.budget.spend(foreseen.cost);
      return foreseen.language();
    });
    this.#known.set(source, language);
    return language;
  }

  *#foresee(source: string): Steps<void> {
    if (this.#known.has(source) || this.#foreseen.has(source) || this.#ahead.left < 0) return;
    const before = this.#ahead.left;
    let language: () => Language;
    try {
      const compiled = yield* languageOf(parsePattern(source), this.#ahead);
      language = () => compiled;
    } catch (error) {
      // Nothing is foreseen any more: what is asked for is compiled then, as long as that may take.
      if (this.#ahead.left < 0) return;
      language = () => {
        throw error;
      };
    }
    this.#foreseen.set(source, { cost: before - this.#ahead.left, language });
  }
}

function formatPattern(format: string): string {
  return `^(?:${FORMATS[format]})$`;
}
