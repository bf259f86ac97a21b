// Unigram (`tokenizer.ggml.model` = t5): of all ways to cut the normalised text, the one of the highest score.
import { TokenizerError } from '../../errors.ts';
import type { Steps } from '../../steps.ts';
import { PrefixIndex } from '../prefix-index.ts';
import { TOKEN_KIND } from '../vocabulary.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { UnigramNormalizer } from './unigram-normalizer.ts';
import { visibleSpaceBytes } from './text-model.ts';
import type { TextModel } from './text-model.ts';

/** How much worse than the worst token an unknown character is (sentencepiece, unigram_model.cc). */
const UNKNOWN_PENALTY = 10;
const UNITS_A_STEP = 512;
/** Of what takes no search. */
const FILLED_A_STEP = 1 << 15;
const MATCHED = TOKEN_KIND.normal | TOKEN_KIND.userDefined | TOKEN_KIND.unused;

export class Unigram implements TextModel {
  readonly addsSpace: boolean;
  readonly #vocabulary: Vocabulary;
  readonly #normalizer: UnigramNormalizer;
  readonly #unkId: number;
  #index: PrefixIndex | undefined;
  #unknownScore = 0;

  constructor(vocabulary: Vocabulary, normalizer: UnigramNormalizer, unkId: number | undefined) {
    if (unkId === undefined) {
      throw new TokenizerError('A unigram vocabulary needs an unknown token (tokenizer.ggml.unknown_token_id).');
    }
    this.#vocabulary = vocabulary;
    this.#normalizer = normalizer;
    this.#unkId = unkId;
    this.addsSpace = normalizer.addsSpace;
  }

  *encode(text: string, _afterSpecial: boolean, output: number[]): Steps<void> {
    const normalized = yield* this.#normalizer.normalize(text);
    const { length } = normalized;
    const index = (this.#index ??= this.#prepare());
    const bestScore = new Float64Array(length + 1);
    for (let from = 0; from <= length; from += FILLED_A_STEP) {
      if (from > 0) yield;
      bestScore.fill(-Number.MAX_VALUE, from, from + FILLED_A_STEP);
    }
    const bestFrom = new Int32Array(length + 1);
    const bestId = new Int32Array(length + 1);
    bestScore[0] = 0;
    const consider = (id: number, from: number, end: number, score: number): void => {
      if (!(score > bestScore[end]!)) return;
      bestScore[end] = score;
      bestFrom[end] = from;
      bestId[end] = id;
    };
    for (let from = 0, next = 0, due = UNITS_A_STEP; from < length; from = next) {
      if (from >= due) {
        due = from + UNITS_A_STEP;
        yield;
      }
      next = from + (normalized.codePointAt(from)! > 0xffff ? 2 : 1);
      let known = false;
      index.walk(normalized, from, length, (id, end) => {
        known ||= end === next;
        const score = this.#vocabulary.has(id, TOKEN_KIND.userDefined) ? 0 : this.#vocabulary.score(id);
        consider(id, from, end, bestScore[from]! + score);
      });
      if (!known) consider(this.#unkId, from, next, bestScore[from]! + this.#unknownScore);
    }
    yield* this.#collect(length, bestFrom, bestId, output);
  }

  bytes(token: Uint8Array): Uint8Array {
    return visibleSpaceBytes(token);
  }

  /** Follows the best path back; neighbouring unknown characters become one unknown token. */
  *#collect(length: number, bestFrom: Int32Array, bestId: Int32Array, output: number[]): Steps<void> {
    const path: number[] = [];
    for (let end = length, due = length - FILLED_A_STEP; end > 0; end = bestFrom[end]!) {
      const id = bestId[end]!;
      if (id !== this.#unkId || path.at(-1) !== id) path.push(id);
      if (end > due) continue;
      due -= FILLED_A_STEP;
      yield;
    }
    for (let i = path.length - 1; i >= 0; i--) {
      output.push(path[i]!);
      if (i % FILLED_A_STEP === FILLED_A_STEP - 1) yield;
    }
  }

  #prepare(): PrefixIndex {
    const vocabulary = this.#vocabulary;
    let worst = Infinity;
    for (let id = 0; id < vocabulary.size; id++) {
      if (vocabulary.has(id, TOKEN_KIND.normal)) worst = Math.min(worst, vocabulary.score(id));
    }
    this.#unknownScore = Math.fround((Number.isFinite(worst) ? worst : 0) - UNKNOWN_PENALTY);
    return new PrefixIndex(vocabulary.textTokens().filter(({ id }) => vocabulary.has(id, MATCHED)));
  }
}
