// Builds the tokenizer that a model's metadata describes; what it offers is in types.ts.
import { TokenizerError, UnsupportedModelError } from '../errors.ts';
import type { Metadata } from '../gguf/metadata.ts';
import { ModelTokenizer, NoTokenizer } from './model-tokenizer.ts';
import { ByteLevelBpe } from './models/byte-level-bpe.ts';
import { SentencePieceBpe } from './models/sentencepiece-bpe.ts';
import { Unigram } from './models/unigram.ts';
import { unigramNormalizer } from './models/unigram-normalizer.ts';
import { WordPiece } from './models/wordpiece.ts';
import { preTokenizer } from './pre-tokenizers.ts';
import { readSpecialIds } from './special-ids.ts';
import type { DefaultIds, SpecialIds } from './special-ids.ts';
import type { Tokenizer } from './types.ts';
import { TOKEN_KIND, Vocabulary } from './vocabulary.ts';

export type { DecodeOptions, EncodeOptions, TextSegment, Tokenizer, TokenizerKind, TokenStream } from './types.ts';

export interface TokenizerOptions {
  /** Takes the default pre-tokenizer for one this version does not know, instead of an UnsupportedModelError. */
  readonly allowUnknownPreTokenizer?: boolean;
}

const KEY = 'tokenizer.ggml.';

/**
 * Builds the tokenizer of a GGUF file. Throws UnsupportedModelError for a tokenizer this version does not know,
 * TokenizerError or GgufError for a vocabulary that contradicts itself.
 */
export function createTokenizer(metadata: Metadata, options: TokenizerOptions = {}): Tokenizer {
  const name = metadata.required(`${KEY}model`, metadata.string(`${KEY}model`));
  switch (name) {
    case 'gpt2': return byteLevelBpe(metadata, options);
    case 'llama': return sentencePieceBpe(metadata);
    case 't5': return unigram(metadata);
    case 'bert': return wordPiece(metadata);
    case 'none':
    case 'no_vocab': return new NoTokenizer(metadata);
    default:
      throw new UnsupportedModelError(
        `The tokenizer "${name.slice(0, 80)}" (tokenizer.ggml.model) is not supported; gpt2, llama, t5 and bert are. ` +
          'Use a model with one of them.',
      );
  }
}

function byteLevelBpe(metadata: Metadata, options: TokenizerOptions): Tokenizer {
  const vocabulary = new Vocabulary(metadata);
  const rules = preTokenizer(metadata.string(`${KEY}pre`), options.allowUnknownPreTokenizer ?? false);
  // Falcon's early files do not say that token 11 is their <|endoftext|>.
  const old = vocabulary.size > 11 && vocabulary.has(11, TOKEN_KIND.control) ? 11 : undefined;
  const ids = readSpecialIds(metadata, vocabulary, { bos: old, eos: old });
  const model = new ByteLevelBpe(vocabulary, metadata, rules);
  return new ModelTokenizer('byte-level-bpe', {
    metadata, vocabulary, model, ids,
    ...additions(metadata, ids, { bos: rules.addBos && ids.bosId !== undefined, eos: false }),
  });
}

function sentencePieceBpe(metadata: Metadata): Tokenizer {
  const vocabulary = new Vocabulary(metadata);
  const ids = readSpecialIds(metadata, vocabulary, { bos: 1, eos: 2, unk: 0 });
  const addSpacePrefix = metadata.boolean(`${KEY}add_space_prefix`) ?? true;
  const hasUnknown = ids.unkId !== undefined && vocabulary.has(ids.unkId, TOKEN_KIND.unknown | TOKEN_KIND.control);
  const model = new SentencePieceBpe(vocabulary, addSpacePrefix, hasUnknown ? ids.unkId : undefined);
  return new ModelTokenizer('sentencepiece-bpe', {
    metadata, vocabulary, model, ids, ...additions(metadata, ids, { bos: true, eos: false }),
  });
}

function unigram(metadata: Metadata): Tokenizer {
  const vocabulary = new Vocabulary(metadata);
  const ids = readSpecialIds(metadata, vocabulary, { eos: 1, unk: 2, pad: 0 });
  const model = new Unigram(vocabulary, unigramNormalizer(metadata), ids.unkId);
  return new ModelTokenizer('unigram', {
    metadata, vocabulary, model, ids, ...additions(metadata, ids, { bos: false, eos: true }),
  });
}

function wordPiece(metadata: Metadata): Tokenizer {
  const vocabulary = new Vocabulary(metadata);
  const defaults: DefaultIds = { bos: 101, unk: 100, sep: 102, pad: 0 };
  const listed = readSpecialIds(metadata, vocabulary, defaults);
  const ids = { ...listed, clsId: listed.clsId ?? listed.bosId };
  const model = new WordPiece(vocabulary, metadata, ids.unkId);
  // CLS and SEP frame every text, whatever add_bos_token and add_eos_token say.
  return new ModelTokenizer('wordpiece', {
    metadata, vocabulary, model, ids,
    prefix: [wanted(ids.clsId, 'cls_token_id')], suffix: [wanted(ids.sepId, 'seperator_token_id')],
  });
}

/** What `addSpecial` puts around a text. */
function additions(
  metadata: Metadata, ids: SpecialIds, defaults: { readonly bos: boolean; readonly eos: boolean },
): { readonly prefix: readonly number[]; readonly suffix: readonly number[] } {
  const addBos = metadata.boolean(`${KEY}add_bos_token`) ?? defaults.bos;
  const addEos = metadata.boolean(`${KEY}add_eos_token`) ?? defaults.eos;
  return {
    prefix: addBos ? [wanted(ids.bosId, 'bos_token_id')] : [],
    suffix: addEos ? [wanted(ids.eosId, 'eos_token_id')] : [],
  };
}

function wanted(id: number | undefined, key: string): number {
  if (id !== undefined) return id;
  throw new TokenizerError(
    `The tokenizer adds a token that the metadata does not name ("${KEY}${key}"). Convert the model again.`,
  );
}
