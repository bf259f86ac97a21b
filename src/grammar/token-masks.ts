// Which tokens may follow a position: one bit per token, found by walking the tree of tokens, and remembered.
import type { Automaton, Position } from './automaton.ts';
import type { TokenTree } from './vocabulary.ts';

/** Bit id % 32 of word id / 32. */
export type TokenMask = Uint32Array;

/** Bytes of masks that are remembered. */
const MOST_BYTES = 16 * 2 ** 20;

/** Nodes of the token tree that are looked at before the search counts as long. */
const CHEAP_NODES = 2000;

export class TokenMasks {
  readonly automaton: Automaton;
  readonly #tree: TokenTree;
  readonly #numWords: number;
  readonly #endIds: ReadonlySet<number>;
  /** Without the ends of text. */
  readonly #masks = new Map<Position, TokenMask>();
  readonly #mostMasks: number;
  /** Positions whose search is long. */
  readonly #long = new WeakSet<Position>();
  readonly #trail: Position[];

  constructor(automaton: Automaton, tree: TokenTree) {
    this.automaton = automaton;
    this.#tree = tree;
    this.#endIds = new Set(tree.tokens.endIds);
    this.#numWords = Math.ceil((tree.tokens.starts.length - 1) / 32);
    this.#mostMasks = Math.max(16, Math.floor(MOST_BYTES / (4 * this.#numWords)));
    this.#trail = new Array<Position>(tree.maxDepth + 1);
  }

  isEnd(id: number): boolean {
    return this.#endIds.has(id);
  }

  /** The tokens that may follow, with the ends of text if `mayEnd`; undefined where that is not known and takes long. */
  cheap(position: Position, mayEnd: boolean): TokenMask | undefined {
    if (this.#long.has(position) && !this.#masks.has(position)) return undefined;
    const mask = this.#find(position, CHEAP_NODES);
    if (!mask) this.#long.add(position);
    return mask && this.#withEnds(mask, position, mayEnd);
  }

  full(position: Position, mayEnd: boolean): TokenMask {
    return this.#withEnds(this.#find(position, Infinity)!, position, mayEnd);
  }

  /** Where a token that is no end of text leads, or null. */
  after(position: Position, id: number): Position | null {
    if (this.#endIds.has(id)) return null;
    const { starts, bytes } = this.#tree.tokens;
    return this.automaton.nextToken(position, id, bytes.subarray(starts[id], starts[id + 1]));
  }

  #find(position: Position, mostNodes: number): TokenMask | undefined {
    const known = this.#masks.get(position);
    if (known) return known;
    const mask = new Uint32Array(this.#numWords);
    if (!this.#walk(position, mask, mostNodes)) return undefined;
    this.#addTokenEdges(position, mask);
    if (this.#masks.size >= this.#mostMasks) this.#masks.delete(this.#masks.keys().next().value!);
    this.#masks.set(position, mask);
    return mask;
  }

  #withEnds(mask: TokenMask, { canEnd }: Position, mayEnd: boolean): TokenMask {
    if (!canEnd || !mayEnd) return mask;
    const ended = mask.slice();
    for (const id of this.#endIds) ended[id >>> 5] |= 1 << (id & 31);
    return ended;
  }

  #walk(position: Position, mask: TokenMask, mostNodes: number): boolean {
    const { byte, depth, end, idStart, ids } = this.#tree;
    const { automaton } = this;
    const trail = this.#trail;
    trail[0] = position;
    let numNodes = 0;
    for (let node = 0; node < byte.length;) {
      if (++numNodes > mostNodes) return false;
      const above = trail[depth[node] - 1];
      let next = above.next[byte[node]];
      if (next === undefined) next = automaton.next(above, byte[node]);
      if (next === null) {
        node = end[node];
        continue;
      }
      trail[depth[node]] = next;
      for (let i = idStart[node]; i < idStart[node + 1]; i++) mask[ids[i] >>> 5] |= 1 << (ids[i] & 31);
      node++;
    }
    return true;
  }

  #addTokenEdges(position: Position, mask: TokenMask): void {
    if (!position.hasTokens) return;
    const numTokens = this.#tree.tokens.starts.length - 1;
    for (const { id, negated } of this.automaton.tokenEdges(position)) {
      if (!negated) {
        if (id < numTokens && !this.#endIds.has(id)) mask[id >>> 5] |= 1 << (id & 31);
        continue;
      }
      const hadIt = id < numTokens && (mask[id >>> 5] & (1 << (id & 31))) !== 0;
      for (let other = 0; other < numTokens; other++) {
        if ((other !== id || hadIt) && !this.#endIds.has(other)) mask[other >>> 5] |= 1 << (other & 31);
      }
    }
  }
}
