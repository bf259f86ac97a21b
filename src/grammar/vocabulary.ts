// The tokens a grammar may choose from, by their bytes: in order of bytes, as a tree that a walk can skip branches of.
import { StringListBuilder } from '../gguf/string-list.ts';
import type { Steps } from '../steps.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

const TOKENS_A_STEP = 2048;

/** What a compute worker is sent once; control tokens have no bytes, as they are no text. */
export interface TokenBytes {
  /** Bytes of token id are bytes[starts[id] … starts[id + 1]). */
  readonly starts: Uint32Array;
  readonly bytes: Uint8Array;
  readonly endIds: readonly number[];
}

/** Reads every token's bytes as they come out in a continued text. */
export function* tokenBytes(tokenizer: Tokenizer): Steps<TokenBytes> {
  const nothing = new Uint8Array(0);
  const canSpell = spelledAsTheyAre(tokenizer);
  const bytesOf = (id: number): Uint8Array => {
    if (tokenizer.isControl(id) || tokenizer.endIds.has(id) || id === tokenizer.unkId) return nothing;
    return tokenizer.isSpecial(id) && !canSpell ? nothing : tokenizer.tokenBytes(id);
  };
  const builder = new StringListBuilder(tokenizer.vocabSize);
  while (builder.length < tokenizer.vocabSize) {
    const bytes = bytesOf(builder.length);
    builder.append(bytes, 0, bytes.length);
    if (builder.length % TOKENS_A_STEP === 0) yield;
  }
  const { starts, bytes } = builder.list();
  // What is sent to a worker is the whole buffer.
  return { starts, bytes: bytes.slice(0, starts[tokenizer.vocabSize]), endIds: [...tokenizer.endIds] };
}

/** Whether user-defined tokens leave the text after them alone: some tokenizers take a space away there. */
function spelledAsTheyAre(tokenizer: Tokenizer): boolean {
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
  const special = ids.find((id) => tokenizer.isSpecial(id) && !tokenizer.isControl(id) && id !== tokenizer.unkId);
  const spaced = ids.find((id) => !tokenizer.isSpecial(id) && tokenizer.tokenBytes(id)[0] === 0x20);
  if (special === undefined || spaced === undefined) return true;
  const decode = (list: number[]): string => tokenizer.decode(list, { continuation: true, skipSpecial: false });
  return decode([special, spaced]) === decode([special]) + decode([spaced]);
}

/** The tree in preorder. */
export interface TokenTree {
  readonly tokens: TokenBytes;
  readonly byte: Uint8Array;
  readonly depth: Int32Array;
  /** The first node that is not below this one. */
  readonly end: Int32Array;
  /** Tokens that end at node i are ids[idStart[i] … idStart[i + 1]). */
  readonly idStart: Int32Array;
  readonly ids: Int32Array;
  readonly maxDepth: number;
}

export function tokenTree(tokens: TokenBytes): TokenTree {
  const { starts, bytes } = tokens;
  const ids = inOrderOfBytes(tokens);
  const shared = sharedLengths(tokens, ids);
  const lengthOf = (at: number): number => starts[ids[at] + 1] - starts[ids[at]];
  let numNodes = 0;
  for (let at = 0; at < ids.length; at++) numNodes += lengthOf(at) - shared[at];
  const byte = new Uint8Array(numNodes);
  const depth = new Int32Array(numNodes);
  const end = new Int32Array(numNodes);
  const idStart = new Int32Array(numNodes + 1);
  const open: number[] = [];
  let maxDepth = 0;
  let node = 0;
  for (let at = 0; at < ids.length; at++) {
    const length = lengthOf(at);
    while (open.length > shared[at]) end[open.pop()!] = node;
    for (let i = shared[at]; i < length; i++, node++) {
      open.push(node);
      byte[node] = bytes[starts[ids[at]] + i];
      depth[node] = i + 1;
      // A node at which no token ends begins where the next one does.
      idStart[node] = at;
    }
    if (length > maxDepth) maxDepth = length;
  }
  while (open.length > 0) end[open.pop()!] = node;
  idStart[node] = ids.length;
  return { tokens, byte, depth, end, idStart, ids, maxDepth };
}

/** How many bytes each token begins with that the one before it has too. */
function sharedLengths({ starts, bytes }: TokenBytes, ids: Int32Array): Int32Array {
  const shared = new Int32Array(ids.length);
  for (let at = 1; at < ids.length; at++) {
    const [from, before] = [starts[ids[at]], starts[ids[at - 1]]];
    const most = Math.min(starts[ids[at] + 1] - from, starts[ids[at - 1] + 1] - before);
    while (shared[at] < most && bytes[from + shared[at]] === bytes[before + shared[at]]) shared[at]++;
  }
  return shared;
}

/** Ids of all tokens with bytes. The first four decide in one number, which spares most comparisons. */
function inOrderOfBytes({ starts, bytes }: TokenBytes): Int32Array {
  const numIds = starts.length - 1;
  const prefix = (id: number): number => {
    let value = 0;
    for (let at = starts[id]; at < starts[id] + 4; at++) value = 256 * value + (at < starts[id + 1] ? bytes[at] : 0);
    return value;
  };
  const withBytes = Float64Array.from({ length: numIds }, (_, id) => id).filter((id) => starts[id + 1] > starts[id]);
  const ids = Int32Array.from(withBytes.map((id) => prefix(id) * numIds + id).sort(), (key) => key % numIds);
  for (let from = 0, to = 1; from < ids.length; from = to++) {
    while (to < ids.length && prefix(ids[to]) === prefix(ids[from])) to++;
    ids.subarray(from, to).sort((a, b) => compare(bytes, starts, a, b));
  }
  return ids;
}

function compare(bytes: Uint8Array, starts: Uint32Array, a: number, b: number): number {
  const [startA, startB] = [starts[a], starts[b]];
  const [lengthA, lengthB] = [starts[a + 1] - startA, starts[b + 1] - startB];
  for (let i = 0; i < lengthA && i < lengthB; i++) {
    if (bytes[startA + i] !== bytes[startB + i]) return bytes[startA + i] - bytes[startB + i];
  }
  return lengthA - lengthB || a - b;
}
