// Follows a network byte by byte. Ways to read a text that differ only in who called a rule share one stack (a graph of
// frames, as in Tomita 1985), so ambiguity costs polynomial time; sets of ways are states that are made when first met.
import { GrammarError } from '../errors.ts';
import { LIMITS } from './limits.ts';
import type { Network } from './network.ts';

/** Where a rule returns to: pairs of a state and the frames beneath it. The bottom one is the end of the text. */
interface Frames {
  readonly id: number;
  readonly returns: readonly Place[];
  readonly isBottom: boolean;
}

interface Place {
  readonly state: number;
  readonly frames: Frames;
}

/** After some text: what may follow. */
export interface Position {
  /** Where the last byte led, before rules were called or left. */
  readonly kernel: readonly Place[];
  /** States with edges of their own. */
  readonly places: readonly Place[];
  /** The text may end here. */
  readonly canEnd: boolean;
  /** Nothing may follow. */
  readonly isOver: boolean;
  readonly hasTokens: boolean;
  /** By byte, where it leads: null is nowhere, undefined not yet known. */
  readonly next: (Position | null | undefined)[];
}

/** Positions and frames are forgotten when there are this many, and made again when met again. */
const MOST_KNOWN = 20_000;

export class Automaton {
  readonly start: Position;
  readonly #network: Network;
  readonly #bottom: Frames = { id: 0, returns: [], isBottom: true };
  #positions = new Map<string, Position>();
  #frames = new Map<string, Frames>();
  #numFrames = 1;

  constructor(network: Network) {
    this.#network = network;
    this.start = this.#position([{ state: network.ruleStart[network.root], frames: this.#bottom }]);
  }

  /** Where `byte` leads, or null. */
  next(position: Position, byte: number): Position | null {
    const known = position.next[byte];
    if (known !== undefined) return known;
    const { byteStart, byteLow, byteHigh, byteTo } = this.#network;
    const kernel: Place[] = [];
    // The bytes around this one that lead to the same place.
    let [first, last] = [0, 255];
    for (const { state, frames } of position.places) {
      for (let i = byteStart[state]; i < byteStart[state + 1]; i++) {
        const [low, high] = [byteLow[i], byteHigh[i]];
        if (byte < low) last = Math.min(last, low - 1);
        else if (byte > high) first = Math.max(first, high + 1);
        else {
          kernel.push({ state: byteTo[i], frames });
          [first, last] = [Math.max(first, low), Math.min(last, high)];
        }
      }
    }
    const next = kernel.length === 0 ? null : this.#position(kernel);
    position.next.fill(next, first, last + 1);
    return next;
  }

  /** Where the token `id` that stands for `bytes` (from `start` to `end`) leads, or null; control tokens have no bytes here. */
  nextToken(position: Position, id: number, bytes: Uint8Array, start = 0, end = bytes.length): Position | null {
    let after: Position | null = start === end ? null : position;
    for (let i = start; i < end && after; i++) after = this.next(after, bytes[i]);
    if (!position.hasTokens) return after;
    const { tokenStart, tokenTo } = this.#network;
    const kernel: Place[] = after ? [...after.kernel] : [];
    for (const { state, frames } of position.places) {
      for (let i = tokenStart[state]; i < tokenStart[state + 1]; i++) {
        if (this.#takes(i, id)) kernel.push({ state: tokenTo[i], frames });
      }
    }
    return kernel.length === 0 ? null : this.#position(kernel);
  }

  /** The tokens that an edge of their own leads on from here, besides those whose bytes fit. */
  tokenEdges({ places }: Position): { readonly id: number; readonly negated: boolean }[] {
    const { tokenStart, tokenId, tokenNegated } = this.#network;
    return places.flatMap(({ state }) => {
      const count = tokenStart[state + 1] - tokenStart[state];
      return Array.from({ length: count }, (_, i) => {
        const at = tokenStart[state] + i;
        return { id: tokenId[at], negated: tokenNegated[at] === 1 };
      });
    });
  }

  #takes(edge: number, id: number): boolean {
    return (this.#network.tokenId[edge] === id) !== (this.#network.tokenNegated[edge] === 1);
  }

  #position(unsorted: readonly Place[]): Position {
    const byPlace = new Map(unsorted.map((place) => [this.#keyOf(place), place]));
    const keys = [...byPlace.keys()].sort((a, b) => a - b);
    const key = keys.join();
    const known = this.#positions.get(key);
    if (known) return known;
    if (this.#positions.size >= MOST_KNOWN) this.#positions.clear();
    const position = this.#close(keys.map((place) => byPlace.get(place)!));
    this.#positions.set(key, position);
    return position;
  }

  #keyOf({ state, frames }: Place): number {
    return frames.id * this.#network.numStates + state;
  }

  /** Leaves and calls rules until every place reads something. */
  #close(kernel: readonly Place[]): Position {
    const { closureStart, closureTo, isEnd, ruleStart, ruleRank } = this.#network;
    const places = new Map<number, Place>();
    const seen = new Set<number>();
    const calls = new Map<number, Map<number, Place>>();
    let canEnd = false;
    const open = [...kernel];
    const visit = (place: Place, leaves: boolean): void => {
      const { state, frames } = place;
      const key = this.#keyOf(place);
      if (isEnd[state]) {
        // A rule that reads nothing was already passed by at its call.
        if (!leaves || seen.has(key)) return;
        seen.add(key);
        if (frames.isBottom) canEnd = true;
        open.push(...frames.returns);
        return;
      }
      if (places.has(key)) return;
      places.set(key, place);
      if (places.size > LIMITS.configurations) {
        throw new GrammarError('The grammar is too ambiguous: the text so far can be read in too many ways. Simplify its rules.');
      }
      this.#call(place, calls);
    };
    const started = new Set<number>();
    while (open.length > 0) {
      const place = open.pop()!;
      const key = this.#keyOf(place);
      if (started.has(key)) continue;
      started.add(key);
      for (let i = closureStart[place.state]; i < closureStart[place.state + 1]; i++) {
        visit({ state: closureTo[i], frames: place.frames }, true);
      }
    }
    while (calls.size > 0) {
      let rule = -1;
      for (const candidate of calls.keys()) if (rule < 0 || ruleRank[candidate] < ruleRank[rule]) rule = candidate;
      const frames = this.#framesFor(calls.get(rule)!);
      calls.delete(rule);
      const start = ruleStart[rule];
      for (let i = closureStart[start]; i < closureStart[start + 1]; i++) visit({ state: closureTo[i], frames }, false);
    }
    return this.#describe(kernel, [...places.values()], canEnd);
  }

  /** Notes the rules that a place calls, with where they return to; a call at a rule's very end returns to its caller. */
  #call({ state, frames }: Place, calls: Map<number, Map<number, Place>>): void {
    const { callStart, callRule, callReturn, isOnlyEnd } = this.#network;
    for (let i = callStart[state]; i < callStart[state + 1]; i++) {
      let returns = calls.get(callRule[i]);
      if (!returns) calls.set(callRule[i], (returns = new Map()));
      const isLast = isOnlyEnd[callReturn[i]] === 1;
      const targets = !isLast ? [{ state: callReturn[i], frames }]
        : frames.isBottom ? [{ state: -1, frames: this.#bottom }, ...frames.returns] : frames.returns;
      for (const target of targets) returns.set(this.#keyOf(target), target);
    }
  }

  #framesFor(returns: ReadonlyMap<number, Place>): Frames {
    const keys = [...returns.keys()].sort((a, b) => a - b);
    const list = keys.map((key) => returns.get(key)!);
    if (list.length === 1 && list[0].state < 0) return this.#bottom;
    const key = keys.join();
    const known = this.#frames.get(key);
    if (known) return known;
    if (this.#frames.size >= MOST_KNOWN) this.#frames.clear();
    const frames: Frames = {
      id: this.#numFrames++, returns: list.filter(({ state }) => state >= 0), isBottom: list.some(({ state }) => state < 0),
    };
    this.#frames.set(key, frames);
    return frames;
  }

  #describe(kernel: readonly Place[], places: readonly Place[], canEnd: boolean): Position {
    const { byteStart, tokenStart } = this.#network;
    const reading = places.filter(({ state }) => byteStart[state] < byteStart[state + 1] || tokenStart[state] < tokenStart[state + 1]);
    const hasTokens = reading.some(({ state }) => tokenStart[state] < tokenStart[state + 1]);
    return { kernel, places: reading, canEnd, isOver: reading.length === 0, hasTokens, next: new Array<undefined>(256) };
  }
}
