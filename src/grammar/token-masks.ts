// Which tokens may follow a position: found by walking the tree of tokens, as a list where they are few, else as one bit per
// token, and remembered.
import type { Automaton, Position } from './automaton.ts';
import type { TokenTree } from './vocabulary.ts';

/** Bit id % 32 of word id / 32. */
export type TokenMask = Uint32Array;

/** Bytes of masks that are remembered. */
const MOST_BYTES = 16 * 2 ** 20;
/** Lists that are remembered. */
const MOST_LISTS = 20_000;

/** What a short search may find and look at: lists of so many tokens, and nodes of the token tree. */
const MOST_LISTED = 256;
const SHORT_NODES = 2000;

export class TokenMasks {
  readonly automaton: Automaton;
  readonly #tree: TokenTree;
  readonly #numTokens: number;
  readonly #endIds: ReadonlySet<number>;
  /** Both without the ends of text; a position without a list has many tokens. */
  readonly #lists = new Map<Position, readonly number[] | undefined>();
  readonly #masks = new Map<Position, TokenMask>();
  readonly #mostMasks: number;
  readonly #trail: Position[];

  constructor(automaton: Automaton, tree: TokenTree) {
    this.automaton = automaton;
    this.#tree = tree;
    this.#endIds = new Set(tree.tokens.endIds);
    this.#numTokens = tree.tokens.starts.length - 1;
    this.#mostMasks = Math.max(16, Math.floor(MOST_BYTES / (this.#numTokens / 8)));
    this.#trail = new Array<Position>(tree.maxDepth + 1);
  }

  isEnd(id: number): boolean {
    return this.#endIds.has(id);
  }

  /** The tokens that may follow, ascending, with the ends of text if `mayEnd`; undefined where they are many. */
  few(position: Position, mayEnd: boolean): readonly number[] | undefined {
    const list = remembered(this.#lists, MOST_LISTS, position, () => this.#list(position));
    if (!list || !position.canEnd || !mayEnd) return list;
    return ascending([...list, ...this.#endIds]);
  }

  /** Whether `all` was asked for lately. */
  knowsAll(position: Position): boolean {
    return this.#masks.has(position);
  }

  /** Likewise all of them, however many. */
  all(position: Position, mayEnd: boolean): TokenMask {
    const mask = remembered(this.#masks, this.#mostMasks, position, () => this.#mask(position));
    if (!position.canEnd || !mayEnd) return mask;
    const ended = mask.slice();
    for (const id of this.#endIds) ended[id >>> 5] |= 1 << (id & 31);
    return ended;
  }

  /** Where a token that is no end of text leads, or null. */
  after(position: Position, id: number): Position | null {
    if (this.#endIds.has(id)) return null;
    const { starts, bytes } = this.#tree.tokens;
    return this.automaton.nextToken(position, id, bytes, starts[id], starts[id + 1]);
  }

  #list(position: Position): readonly number[] | undefined {
    const found: number[] = [];
    if (position.hasTokens && !this.#addTokenEdges(position, found)) return undefined;
    const isShort = this.#walk(position, SHORT_NODES, (id) => found.push(id) <= MOST_LISTED);
    return isShort ? ascending(found) : undefined;
  }

  #mask(position: Position): TokenMask {
    const mask = new Uint32Array(Math.ceil(this.#numTokens / 32));
    const add = (id: number): boolean => {
      mask[id >>> 5] |= 1 << (id & 31);
      return true;
    };
    this.#walk(position, Infinity, add);
    const named: number[] = [];
    if (position.hasTokens && !this.#addTokenEdges(position, named)) {
      for (let id = 0; id < this.#numTokens; id++) if (this.after(position, id)) add(id);
    }
    named.forEach(add);
    return mask;
  }

  /** Calls `found` for every token whose bytes fit, in order of bytes; false where it says false, or after too many nodes. */
  #walk(position: Position, mostNodes: number, found: (id: number) => boolean): boolean {
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
      for (let i = idStart[node]; i < idStart[node + 1]; i++) if (!found(ids[i])) return false;
      node++;
    }
    return true;
  }

  /** Tokens that edges of their own take; false where an edge takes all but one. */
  #addTokenEdges(position: Position, found: number[]): boolean {
    const edges = this.automaton.tokenEdges(position);
    if (edges.some(({ negated }) => negated)) return false;
    for (const { id } of edges) if (id < this.#numTokens && !this.#endIds.has(id)) found.push(id);
    return true;
  }
}

function ascending(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** What `found` has for the position, or what `find` finds; the oldest of more than `most` is forgotten. */
function remembered<V>(found: Map<Position, V>, most: number, position: Position, find: () => V): V {
  const known = found.get(position);
  if (known !== undefined || found.has(position)) return known!;
  if (found.size >= most) found.delete(found.keys().next().value!);
  const value = find();
  found.set(position, value);
  return value;
}
