// What a tokenizer offers, whatever model is behind it.
import type { Steps } from '../steps.ts';

export type TokenizerKind = 'byte-level-bpe' | 'sentencepiece-bpe' | 'unigram' | 'wordpiece' | 'none';

export interface EncodeOptions {
  /** Adds BOS, CLS, EOS, SEP as the model says. Default true. */
  readonly addSpecial?: boolean;
  /** Text that spells a control token becomes it. Default false: only for text nobody else has a say in. */
  readonly parseSpecial?: boolean;
}

/** Part of a conversation: the template's own markup (`parseSpecial`) or what somebody wrote. */
export interface TextSegment {
  readonly text: string;
  readonly parseSpecial: boolean;
}

export interface DecodeOptions {
  /** Leaves out control tokens and the unknown token. Default true. */
  readonly skipSpecial?: boolean;
  /** The ids continue a text: keep the space that begins their first word, which models that mark words by one have. */
  readonly continuation?: boolean;
}

export interface TokenStream {
  /** The text that `id` completes; often '' while a character is incomplete. */
  push(id: number): string;
  /** What is left; an incomplete character becomes U+FFFD. */
  flush(): string;
}

/** Everything here throws TokenizerError for ids outside the vocabulary. */
export interface Tokenizer {
  readonly kind: TokenizerKind;
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** End of a turn in a conversation. */
  readonly eotId: number | undefined;
  readonly unkId: number | undefined;
  readonly sepId: number | undefined;
  readonly padId: number | undefined;
  readonly clsId: number | undefined;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** Every id that ends generation. */
  readonly endIds: ReadonlySet<number>;
  /** Lone surrogates in `text` count as U+FFFD. */
  encode(text: string, options?: EncodeOptions): number[];
  /** As if all segments were one text, but control tokens and markup come from `parseSpecial` segments only. */
  encodeSegments(segments: readonly TextSegment[], options?: Pick<EncodeOptions, 'addSpecial'>): number[];
  /** `encode` and `encodeSegments` with pauses, for texts of any length. */
  encodeSteps(text: string, options?: EncodeOptions): Steps<number[]>;
  encodeSegmentsSteps(segments: readonly TextSegment[], options?: Pick<EncodeOptions, 'addSpecial'>): Steps<number[]>;
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /** What the token stands for; incomplete UTF-8 where it is part of a character. */
  tokenBytes(id: number): Uint8Array;
  /** `tokenBytes` as text, U+FFFD for what is no text on its own. */
  tokenText(id: number): string;
  /** Control, unknown or user-defined: a token that stands for itself and not for text that was merged. */
  isSpecial(id: number): boolean;
  isControl(id: number): boolean;
  /** Text as ids come; the pieces joined equal `decode` of all ids. */
  stream(options?: DecodeOptions): TokenStream;
}
