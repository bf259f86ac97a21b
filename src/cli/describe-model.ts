// Turns a GGUF header into the facts that `clawdbot inspect` shows, ready for JSON.
import { ARCHITECTURES } from '../architectures/registry.ts';
import { ClawdbotError } from '../errors.ts';
import type { GgmlType } from '../gguf/ggml-types.ts';
import type { GgufValue, Metadata } from '../gguf/metadata.ts';
import type { GgufFile, GgufTensor } from '../gguf/reader.ts';
import type { ResolvedModel } from '../sources/resolve.ts';
import { createTokenizer } from '../tokenizer/tokenizer.ts';

export interface TypeShare {
  tensors: number;
  parameters: number;
  bytes: number;
}

export interface TokenizerDescription {
  readonly model: string | null;
  readonly pre: string | null;
  readonly vocabSize: number;
  readonly specialIds: Readonly<Record<string, number>>;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** Why this version cannot use it. */
  readonly problem: string | null;
}

export interface ModelDescription {
  readonly name: string;
  readonly files: readonly string[];
  readonly version: number;
  readonly sizeBytes: number;
  readonly architecture: string | null;
  readonly supported: boolean;
  readonly parameters: number;
  readonly types: Readonly<Record<string, TypeShare>>;
  readonly contextLength: number | null;
  readonly hiddenSize: number | null;
  readonly numLayers: number | null;
  readonly numHeads: number | null;
  readonly numKvHeads: number | null;
  readonly tokenizer: TokenizerDescription;
  readonly chatTemplate: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tensors?: readonly Pick<GgufTensor, 'name' | 'type' | 'shape' | 'byteLength' | 'offset' | 'partIndex'>[];
}

const LONGEST_LIST = 8;

/** `full` keeps long arrays, `tensors` lists every tensor. A value of an odd type counts as absent. */
export function describeModel(
  resolved: ResolvedModel,
  file: GgufFile,
  { full, tensors }: { readonly full: boolean; readonly tensors: boolean },
): ModelDescription {
  const { metadata } = file;
  const architecture = ofType(metadata, 'general.architecture', 'string');
  const size = (key: string): number | null => ofType(metadata, `${architecture ?? ''}.${key}`, 'number');
  return {
    name: ofType(metadata, 'general.name', 'string') ?? resolved.name,
    files: resolved.files,
    version: file.version,
    sizeBytes: file.size,
    architecture,
    supported: architecture !== null && ARCHITECTURES.has(architecture),
    parameters: file.tensors.reduce((sum, { numElements }) => sum + numElements, 0),
    types: shares(file.tensors),
    contextLength: size('context_length'),
    hiddenSize: size('embedding_length'),
    numLayers: size('block_count'),
    numHeads: size('attention.head_count'),
    numKvHeads: size('attention.head_count_kv'),
    tokenizer: describeTokenizer(metadata),
    chatTemplate: ofType(metadata, 'tokenizer.chat_template', 'string'),
    metadata: Object.fromEntries([...metadata.entries].map(([key, value]) => [key, jsonValue(value, full)])),
    ...(tensors && {
      tensors: file.tensors.map(({ name, type, shape, byteLength, offset, partIndex }) => ({
        name,
        type,
        shape,
        byteLength,
        offset,
        partIndex,
      })),
    }),
  };
}

function shares(tensors: readonly GgufTensor[]): Record<string, TypeShare> {
  const byType = new Map<GgmlType, TypeShare>();
  for (const { type, numElements, byteLength } of tensors) {
    const share = byType.get(type) ?? { tensors: 0, parameters: 0, bytes: 0 };
    byType.set(type, share);
    share.tensors++;
    share.parameters += numElements;
    share.bytes += byteLength;
  }
  return Object.fromEntries([...byType].sort(([, a], [, b]) => b.bytes - a.bytes));
}

function describeTokenizer(metadata: Metadata): TokenizerDescription {
  const tokens = metadata.entries.get('tokenizer.ggml.tokens');
  const stated = {
    model: ofType(metadata, 'tokenizer.ggml.model', 'string'),
    pre: ofType(metadata, 'tokenizer.ggml.pre', 'string'),
    vocabSize: Array.isArray(tokens) ? tokens.length : 0,
  };
  if (stated.model === null) return { ...stated, specialIds: {}, addBos: false, addEos: false, problem: null };
  try {
    const { vocabSize, bosId, eosId, eotId, unkId, sepId, padId, clsId, addBos, addEos } = createTokenizer(metadata);
    const ids = { bos: bosId, eos: eosId, eot: eotId, unk: unkId, sep: sepId, pad: padId, cls: clsId };
    const specialIds = Object.fromEntries(
      Object.entries(ids).filter((entry): entry is [string, number] => entry[1] !== undefined),
    );
    return { ...stated, vocabSize, specialIds, addBos, addEos, problem: null };
  } catch (error) {
    if (!(error instanceof ClawdbotError)) throw error;
    return { ...stated, specialIds: {}, addBos: false, addEos: false, problem: error.message };
  }
}

function ofType(metadata: Metadata, key: string, type: 'string'): string | null;
function ofType(metadata: Metadata, key: string, type: 'number'): number | null;
function ofType(metadata: Metadata, key: string, type: string): unknown {
  const value = metadata.entries.get(key);
  return typeof value === type ? value : null;
}

/** JSON has no 64-bit integers: those past 2^53 become strings. Long arrays show their length and beginning. */
function jsonValue(value: GgufValue, full: boolean): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return value;
  const list = Array.from(value as ArrayLike<GgufValue>);
  if (full || list.length <= LONGEST_LIST) return list.map((item) => jsonValue(item, full));
  return { length: list.length, first: list.slice(0, LONGEST_LIST).map((item) => jsonValue(item, full)) };
}
