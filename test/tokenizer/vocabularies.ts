// Small vocabularies made in code, so that a fresh clone tests every tokenization model, and real ones out of tiktoken.
import { createRequire } from 'node:module';
import { Metadata } from '../../src/gguf/metadata.ts';
import type { GgufValue } from '../../src/gguf/metadata.ts';

export const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Metadata with `tokenizer.ggml.` before each key. */
export function tokenizerMetadata(entries: Record<string, GgufValue | undefined>): Metadata {
  const present = Object.entries(entries).filter((entry): entry is [string, GgufValue] => entry[1] !== undefined);
  return new Metadata(new Map(present.map(([key, value]) =>
    [key.includes('.') && !key.startsWith('normalizer') ? key : `tokenizer.ggml.${key}`, value])));
}

/** GPT-2's alphabet, computed here a second time: byte → character. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const shown = /^[!-~¡-¬®-ÿ]$/.test(String.fromCharCode(byte));
    return String.fromCharCode(shown ? byte : next++);
  });
})();

const BPE_SPECIAL = ['<|im_start|>', '<|im_end|>', '<|user|>', '<tool>'];
const BPE_MERGES = ['h e', 'l l', 'he ll', 'hell o', 'Ġ w', 'Ġw o', 'Ġwo r', 'l d', 'Ġwor ld', '< |', '| >', 'Ã ©'];

/** Bytes, merges, then two control tokens (BOS and EOS) and two user-defined ones. */
export function bpeEntries(): Record<string, GgufValue> {
  const tokens = [...BYTE_CHARACTERS, ...BPE_MERGES.map((merge) => merge.replace(' ', '')), ...BPE_SPECIAL];
  const first = tokens.length - BPE_SPECIAL.length;
  const types = new Int32Array(tokens.length).fill(TYPE.normal);
  types.set([TYPE.control, TYPE.control, TYPE.userDefined, TYPE.userDefined], first);
  return {
    model: 'gpt2', pre: 'gpt-2', tokens, token_type: types, merges: BPE_MERGES,
    bos_token_id: first, eos_token_id: first + 1, add_bos_token: false,
  };
}

const SPM_WORDS = [
  '▁', 'h', 'e', 'l', 'o', 'w', 'r', 'd', '<', 's', '>', 'é', 'he', 'll', '▁hell', '▁hello', '▁w', 'or', '▁wor',
  '▁world', 's>', 'hell', 'ell', 'ld', '▁hel',
];

/** <unk> <s> </s>, 256 bytes, then words by falling score. */
export function spmEntries(): Record<string, GgufValue> {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, ...SPM_WORDS];
  return {
    model: 'llama', tokens,
    scores: Float32Array.from(tokens, (_, id) => (id < 259 ? 0 : 259 - id)),
    token_type: Int32Array.from(tokens, (_, id) =>
      (id === 0 ? TYPE.unknown : id < 3 ? TYPE.control : id < 259 ? TYPE.byte : TYPE.normal)),
    bos_token_id: 1, eos_token_id: 2, unknown_token_id: 0,
  };
}

export function unigramEntries(): Record<string, GgufValue> {
  const scored: [string, number][] = [
    ['<pad>', 0], ['</s>', 0], ['<unk>', 0], ['▁', -3], ['▁a', -2], ['b', -4], ['ab', -1], ['▁ab', -5], ['a', -4],
    ['abb', -5.5], ['<x>', 0],
  ];
  return {
    model: 't5', tokens: scored.map(([token]) => token), scores: Float32Array.from(scored, ([, score]) => score),
    token_type: Int32Array.of(3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 4),
    add_space_prefix: true, remove_extra_whitespaces: true, eos_token_id: 1, unknown_token_id: 2, padding_token_id: 0,
  };
}

export function wordPieceEntries(): Record<string, GgufValue> {
  const tokens = [
    '[PAD]', '[UNK]', '[CLS]', '[SEP]', '▁hello', '▁un', 'aff', 'able', '▁!', '▁中', '▁e', '▁~', '▁ca', 'fe',
  ];
  return {
    model: 'bert', tokens, token_type: Int32Array.from(tokens, (_, id) => (id < 4 ? 3 : 1)),
    unknown_token_id: 1, cls_token_id: 2, seperator_token_id: 3, padding_token_id: 0,
  };
}

const require = createRequire(import.meta.url);

interface TiktokenFile {
  readonly pat_str: string;
  readonly special_tokens: Record<string, number>;
  readonly bpe_ranks: string;
}

/** A real vocabulary from the tiktoken package; its ranks become the merges that a GGUF file has. */
export function tiktokenEntries(name: 'gpt2' | 'cl100k_base' | 'o200k_base', pre: string): Record<string, GgufValue> {
  const file = require(`tiktoken/encoders/${name}.json`) as TiktokenFile;
  const tokens: string[] = [];
  for (const line of file.bpe_ranks.split('\n').filter((text) => text !== '')) {
    const [, offset, ...encoded] = line.split(' ');
    for (const [i, base64] of encoded.entries()) tokens[Number(offset) + i] = letters(Buffer.from(base64, 'base64'));
  }
  const merges = mergesOf(tokens);
  const size = Math.max(tokens.length, ...Object.values(file.special_tokens).map((id) => id + 1));
  for (let id = 0; id < size; id++) tokens[id] ??= `<|reserved_${id}|>`;
  const types = new Int32Array(size).fill(TYPE.normal);
  for (const [text, id] of Object.entries(file.special_tokens)) [tokens[id], types[id]] = [text, TYPE.control];
  return { model: 'gpt2', pre, tokens, token_type: types, merges };
}

function letters(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]).join('');
}

/** The pair that makes each token: of the cuts into two earlier ones, the one that merging its letters comes to. */
function mergesOf(tokens: readonly string[]): string[] {
  const rankOf = new Map(tokens.map((token, rank) => [token, rank]));
  const isEarlier = (part: string, rank: number): boolean => (rankOf.get(part) ?? Infinity) < rank;
  const merges: string[] = [];
  for (const [rank, token] of tokens.entries()) {
    const cuts = Array.from({ length: (token?.length ?? 1) - 1 }, (_, i) => i + 1)
      .filter((at) => isEarlier(token.slice(0, at), rank) && isEarlier(token.slice(at), rank));
    if (cuts.length > 0) merges.push(cuts.length === 1 ? cutAt(token, cuts[0]!) : mergedPair(token, rankOf));
  }
  return merges;
}

function cutAt(token: string, at: number): string {
  return `${token.slice(0, at)} ${token.slice(at)}`;
}

function mergedPair(token: string, rankOf: ReadonlyMap<string, number>): string {
  const parts = [...token];
  while (parts.length > 2) {
    let best = 0;
    let bestRank = Infinity;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = rankOf.get(parts[i]! + parts[i + 1]!) ?? Infinity;
      if (rank < bestRank) [best, bestRank] = [i, rank];
    }
    parts.splice(best, 2, parts[best]! + parts[best + 1]!);
  }
  return parts.join(' ');
}
