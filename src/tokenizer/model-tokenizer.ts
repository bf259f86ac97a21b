// The Tokenizer of every model: special tokens around and inside the text, the model for what lies between.
import { TokenizerError } from '../errors.ts';
import type { Metadata } from '../gguf/metadata.ts';
import { atOnce } from '../steps.ts';
import type { Steps } from '../steps.ts';
import { Detokenizer } from './detokenizer.ts';
import type { TextModel } from './models/text-model.ts';
import { SpecialMatcher } from './special-matcher.ts';
import type { StripRules } from './special-matcher.ts';
import type { SpecialIds } from './special-ids.ts';
import type { DecodeOptions, EncodeOptions, TextSegment, Tokenizer, TokenizerKind, TokenStream } from './types.ts';
import { TOKEN_KIND } from './vocabulary.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface TokenizerParts {
  readonly metadata: Metadata;
  readonly vocabulary: Vocabulary;
  readonly model: TextModel;
  readonly ids: SpecialIds;
  /** What `addSpecial` puts before and after a text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

const SPECIAL = TOKEN_KIND.control | TOKEN_KIND.unknown | TOKEN_KIND.userDefined;
const LONE_SURROGATE = /\p{Surrogate}/gu;
const PIECES_A_STEP = 32;

export class ModelTokenizer implements Tokenizer {
  readonly kind: TokenizerKind;
  readonly #parts: TokenizerParts;
  readonly #special: SpecialMatcher;
  readonly #detokenizer: Detokenizer;

  constructor(kind: TokenizerKind, parts: TokenizerParts) {
    this.kind = kind;
    this.#parts = parts;
    this.#special = new SpecialMatcher(parts.vocabulary, stripRules(parts.metadata, parts.vocabulary));
    this.#detokenizer = new Detokenizer(parts.vocabulary, parts.model);
  }

  get vocabSize(): number { return this.#parts.vocabulary.size; }
  get bosId(): number | undefined { return this.#parts.ids.bosId; }
  get eosId(): number | undefined { return this.#parts.ids.eosId; }
  get eotId(): number | undefined { return this.#parts.ids.eotId; }
  get unkId(): number | undefined { return this.#parts.ids.unkId; }
  get sepId(): number | undefined { return this.#parts.ids.sepId; }
  get padId(): number | undefined { return this.#parts.ids.padId; }
  get clsId(): number | undefined { return this.#parts.ids.clsId; }
  get endIds(): ReadonlySet<number> { return this.#parts.ids.endIds; }
  get addBos(): boolean { return this.#parts.prefix.length > 0; }
  get addEos(): boolean { return this.#parts.suffix.length > 0; }

  encode(text: string, options: EncodeOptions = {}): number[] {
    return atOnce(this.encodeSteps(text, options));
  }

  encodeSegments(segments: readonly TextSegment[], options: Pick<EncodeOptions, 'addSpecial'> = {}): number[] {
    return atOnce(this.encodeSegmentsSteps(segments, options));
  }

  *encodeSteps(text: string, options: EncodeOptions = {}): Steps<number[]> {
    const pieces = yield* this.#special.split({ text: wellFormed(text), trusted: options.parseSpecial ?? false });
    return yield* this.#encodePieces(pieces, options.addSpecial ?? true);
  }

  *encodeSegmentsSteps(segments: readonly TextSegment[], options: Pick<EncodeOptions, 'addSpecial'> = {}): Steps<number[]> {
    const spans = segments.map(({ text, parseSpecial }) => ({ text: wellFormed(text), trusted: parseSpecial }));
    const pieces = yield* this.#special.splitConversation(spans);
    return yield* this.#encodePieces(pieces, options.addSpecial ?? true);
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    return this.#detokenizer.decode(ids, options);
  }

  tokenBytes(id: number): Uint8Array {
    return this.#detokenizer.bytes(id).slice();
  }

  tokenText(id: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#detokenizer.bytes(id));
  }

  isSpecial(id: number): boolean {
    return this.#parts.vocabulary.has(id, SPECIAL);
  }

  isControl(id: number): boolean {
    return this.#parts.vocabulary.has(id, TOKEN_KIND.control);
  }

  stream(options: DecodeOptions = {}): TokenStream {
    return this.#detokenizer.stream(options);
  }

  *#encodePieces(pieces: readonly (string | number)[], addSpecial: boolean): Steps<number[]> {
    const { model, prefix, suffix } = this.#parts;
    const output: number[] = addSpecial ? [...prefix] : [];
    let afterSpecial = true;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i]!;
      if (typeof piece === 'number') output.push(piece);
      else yield* model.encode(piece, afterSpecial, output);
      afterSpecial = typeof piece === 'number';
      if (i % PIECES_A_STEP === PIECES_A_STEP - 1) yield;
    }
    if (addSpecial) output.push(...suffix);
    return output;
  }
}

/** A model file without a vocabulary: ids go in and come out, text does not. */
export class NoTokenizer implements Tokenizer {
  readonly kind = 'none';
  readonly vocabSize: number;
  readonly bosId = undefined;
  readonly eosId = undefined;
  readonly eotId = undefined;
  readonly unkId = undefined;
  readonly sepId = undefined;
  readonly padId = undefined;
  readonly clsId = undefined;
  readonly addBos = false;
  readonly addEos = false;
  readonly endIds: ReadonlySet<number> = new Set();

  constructor(metadata: Metadata) {
    this.vocabSize = metadata.number(`${metadata.string('general.architecture') ?? ''}.vocab_size`) ?? 0;
  }

  encode(): number[] { throw noVocabulary(); }
  encodeSegments(): number[] { throw noVocabulary(); }
  encodeSteps(): Steps<number[]> { throw noVocabulary(); }
  encodeSegmentsSteps(): Steps<number[]> { throw noVocabulary(); }
  decode(): string { throw noVocabulary(); }
  tokenBytes(): Uint8Array { throw noVocabulary(); }
  tokenText(): string { return ''; }
  isSpecial(): boolean { return false; }
  isControl(): boolean { return false; }
  /** Generation from ids goes on without text. */
  stream(): TokenStream { return { push: () => '', flush: () => '' }; }
}

function noVocabulary(): TokenizerError {
  return new TokenizerError('This model file has no vocabulary, so text cannot be encoded or decoded. Pass token ids.');
}

/** Each lone surrogate as U+FFFD, which is what UTF-8 makes of it. */
function wellFormed(text: string): string {
  return text.replace(LONE_SURROGATE, '\uFFFD');
}

/** White space beside special tokens that some models' tokenizers swallow; files do not say, names do (llama.cpp). */
function stripRules(metadata: Metadata, vocabulary: Vocabulary): StripRules {
  const pre = metadata.string('tokenizer.ggml.pre') ?? '';
  const model = (metadata.string('general.name') ?? '').toLowerCase();
  const architecture = metadata.string('general.architecture') ?? '';
  const named = (...texts: string[]): number[] =>
    texts.map((text) => vocabulary.idOf(text)).filter((id) => id !== undefined);
  if (/jina-v2-(de|es|code)/.test(pre) || /nomic-bert-moe|jina-bert-v3/.test(architecture)) {
    return { left: new Set(named('<mask>')), right: new Set() };
  }
  if (/phi-?3/.test(model)) {
    const kept = new Set(named('<unk>', '<s>', '<|endoftext|>'));
    const special = Array.from(vocabulary.kinds.keys()).filter((id) => vocabulary.has(id, SPECIAL) && !kept.has(id));
    return { left: new Set(), right: new Set(special) };
  }
  return { left: new Set(/modern-bert/.test(model) ? named('[MASK]') : []), right: new Set() };
}
