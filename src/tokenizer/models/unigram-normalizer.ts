// Normalises text as SentencePiece does before unigram: a table of replacements (NFKC as a rule), then white space.
import { TokenizerError } from '../../errors.ts';
import type { Metadata } from '../../gguf/metadata.ts';
import type { Steps } from '../../steps.ts';
import { utf8, VISIBLE_SPACE } from './text-model.ts';

const CHARSMAP = 'tokenizer.ggml.precompiled_charsmap';
/** Of one replacement. NFKC's longest is 33 bytes; more would let a file blow up any text. */
const MAX_REPLACEMENT_BYTES = 64;
const BYTES_A_STEP = 8192;
const SPACE = 0x20;
const visibleSpace = utf8.encode(VISIBLE_SPACE);

export interface UnigramNormalizer {
  normalize(text: string): Steps<string>;
  readonly addsSpace: boolean;
}

export function unigramNormalizer(metadata: Metadata): UnigramNormalizer {
  const table = readCharsmap(metadata);
  const addPrefix = metadata.boolean('tokenizer.ggml.add_space_prefix') ?? false;
  const mergeSpaces = metadata.boolean('tokenizer.ggml.remove_extra_whitespaces') ?? false;
  return {
    addsSpace: addPrefix || mergeSpaces,
    *normalize(text) {
      const bytes = utf8.encode(text);
      return yield* markSpaces(table ? yield* replaceAll(bytes, table) : bytes, addPrefix, mergeSpaces);
    },
  };
}

/** Spaces become U+2581; with `mergeSpaces` one before each word and none elsewhere. */
function* markSpaces(bytes: Uint8Array, addPrefix: boolean, mergeSpaces: boolean): Steps<string> {
  const output = new Uint8Array(bytes.length * visibleSpace.length + visibleSpace.length);
  let length = 0;
  let inWord = false;
  let hasPrefix = false;
  const put = (piece: Uint8Array): void => {
    output.set(piece, length);
    length += piece.length;
  };
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (at % BYTES_A_STEP === BYTES_A_STEP - 1) yield;
    if (byte === SPACE) {
      inWord = false;
      if (!mergeSpaces) put(visibleSpace);
      continue;
    }
    if (!inWord && (mergeSpaces || (addPrefix && !hasPrefix))) {
      put(visibleSpace);
      hasPrefix = true;
    }
    inWord = true;
    output[length++] = byte;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(output.subarray(0, length));
}

// The table is a trie as an XOR-compressed double array (Kanda 2018), then NUL-terminated replacements:
//   u32 byteLength | u32 nodes[byteLength / 4] | replacements
//   node: bits 0-7 the byte that leads to it, 8 a value follows, 9 the base is shifted left by 8, 10-30 the base
interface Charsmap {
  readonly nodes: Uint32Array;
  readonly replacements: Uint8Array;
}

function readCharsmap(metadata: Metadata): Charsmap | undefined {
  const listed = metadata.numbers(CHARSMAP);
  if (!listed || listed.length === 0) return undefined;
  const bytes = Uint8Array.from(listed);
  const view = new DataView(bytes.buffer);
  const byteLength = bytes.length > 4 ? view.getUint32(0, true) : 0;
  if (byteLength === 0 || byteLength % 4 !== 0 || byteLength + 4 >= bytes.length || bytes.at(-1) !== 0) {
    throw malformed('its parts do not fit its length');
  }
  const nodes = Uint32Array.from({ length: byteLength / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { nodes, replacements: bytes.subarray(4 + byteLength) };
}

function* replaceAll(text: Uint8Array, table: Charsmap): Steps<Uint8Array> {
  let output = new Uint8Array(2 * text.length + MAX_REPLACEMENT_BYTES);
  let length = 0;
  for (let at = 0, due = BYTES_A_STEP; at < text.length;) {
    if (at >= due) {
      due = at + BYTES_A_STEP;
      yield;
    }
    const match = longestMatch(text, at, table);
    const piece = match
      ? replacementAt(table.replacements, match.value)
      : text.subarray(at, at + characterBytes(text[at]!));
    if (length + piece.length > output.length) {
      const larger = new Uint8Array(2 * output.length);
      larger.set(output);
      output = larger;
    }
    output.set(piece, length);
    length += piece.length;
    at += match ? match.length : piece.length;
  }
  return output.subarray(0, length);
}

interface Match {
  readonly length: number;
  readonly value: number;
}

function longestMatch(text: Uint8Array, from: number, { nodes }: Charsmap): Match | undefined {
  let found: Match | undefined;
  let node = base(nodeAt(nodes, 0));
  for (let at = from; at < text.length && text[at] !== 0; at++) {
    node ^= text[at]!;
    const packed = nodeAt(nodes, node);
    if ((packed & 0x800000ff) >>> 0 !== text[at]) break;
    node = (node ^ base(packed)) >>> 0;
    if (packed & 0x100) found = { length: at - from + 1, value: nodeAt(nodes, node) & 0x7fffffff };
  }
  return found;
}

function base(packed: number): number {
  return ((packed >>> 10) << ((packed & 0x200) >>> 6)) >>> 0;
}

function nodeAt(nodes: Uint32Array, index: number): number {
  const node = nodes[index >>> 0];
  if (node === undefined) throw malformed('a link leads out of it');
  return node;
}

function replacementAt(replacements: Uint8Array, offset: number): Uint8Array {
  const end = offset < replacements.length ? replacements.indexOf(0, offset) : -1;
  if (end < 0) throw malformed('a replacement lies outside of it');
  if (end - offset > MAX_REPLACEMENT_BYTES) {
    throw malformed(`a replacement is longer than ${MAX_REPLACEMENT_BYTES} bytes`);
  }
  return replacements.subarray(offset, end);
}

function characterBytes(firstByte: number): number {
  return firstByte < 0x80 ? 1 : firstByte < 0xe0 ? 2 : firstByte < 0xf0 ? 3 : 4;
}

function malformed(reason: string): TokenizerError {
  return new TokenizerError(
    `The normalisation table (${CHARSMAP}) is malformed: ${reason}. Fetch or convert the model again.`,
  );
}
