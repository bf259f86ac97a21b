// A slow reader of rules that shares nothing with the automaton: every way to read a text is a list of what is still to come,
// straight from the expressions, without network, closures or cutting of dead ends. For rules of which every part has an end.
import type { Expression, Rules } from '../../src/grammar/expression.ts';
import type { CodePoints } from '../../src/grammar/code-points.ts';

type Graph = Extract<Expression, { kind: 'graph' }>['graph'];

type Item =
  | Expression
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly at: number }
  /** Of a character of the set, these bytes are read. */
  | { readonly kind: 'within'; readonly set: CodePoints; readonly read: readonly number[] }
  | { readonly kind: 'state'; readonly graph: Graph; readonly state: number };

interface Way {
  readonly id: number;
  readonly item: Item;
  readonly rest: Way | null;
}

/** All ways to have read a text so far; null is the one with nothing to come. */
export type Ways = ReadonlySet<Way | null>;

const encoder = new TextEncoder();

export class SlowReader {
  readonly #rules: Rules;
  readonly #ways = new Map<string, Way>();
  readonly #itemIds = new Map<string, number>();
  readonly #objectIds = new Map<object, number>();
  readonly #opened = new WeakMap<Ways, Ways>();
  readonly #nexts = new WeakMap<Ways, Map<number, Ways>>();
  readonly start: Ways;

  constructor(rules: Rules) {
    this.#rules = rules;
    this.start = new Set([this.#way(rules.get('root')!, null)]);
  }

  canEnd(ways: Ways): boolean {
    return this.#open(ways).has(null);
  }

  /** The ways that are left after a byte. */
  next(ways: Ways, byte: number): Ways {
    let known = this.#nexts.get(ways);
    if (!known) this.#nexts.set(ways, (known = new Map()));
    let next = known.get(byte);
    if (!next) known.set(byte, (next = this.#read(ways, byte)));
    return next;
  }

  #read(ways: Ways, byte: number): Ways {
    const after = new Set<Way | null>();
    for (const way of this.#open(ways)) {
      if (!way) continue;
      const { item, rest } = way;
      if (item.kind === 'bytes') {
        if (item.bytes[item.at] !== byte) continue;
        after.add(item.at + 1 === item.bytes.length ? rest : this.#way({ ...item, at: item.at + 1 }, rest));
      } else if (item.kind === 'within') {
        const read = [...item.read, byte];
        if (!begins(item.set, read)) continue;
        after.add(isWhole(read) ? rest : this.#way({ ...item, read }, rest));
      }
    }
    return after;
  }

  /** The ways that are left after a whole token that is taken for itself. */
  nextToken(ways: Ways, id: number): Ways {
    const after = new Set<Way | null>();
    for (const way of this.#open(ways)) {
      if (way?.item.kind === 'token' && (way.item.id === id) !== way.item.negated) after.add(way.rest);
    }
    return after;
  }

  /** Replaces what reads nothing itself by what it is made of. */
  #open(ways: Ways): Ways {
    const known = this.#opened.get(ways);
    if (known) return known;
    const seen = new Set<Way | null>(ways);
    for (const way of seen) if (way) for (const more of this.#parts(way)) seen.add(more);
    this.#opened.set(ways, seen);
    return seen;
  }

  #parts({ item, rest }: Way): (Way | null)[] {
    switch (item.kind) {
      case 'bytes':
      case 'within':
      case 'token': return [];
      case 'text': return [item.text === '' ? rest : this.#way({ kind: 'bytes', bytes: encoder.encode(item.text), at: 0 }, rest, item)];
      case 'characters': return [this.#way({ kind: 'within', set: item.set, read: [] }, rest)];
      case 'sequence': return [item.items.reduceRight<Way | null>((tail, each) => this.#way(each, tail), rest)];
      case 'choice': return item.items.map((each) => this.#way(each, rest));
      case 'rule': return [this.#way(this.#rules.get(item.name)!, rest)];
      case 'repeat': {
        const { min, max } = item;
        if (max === 0) return [rest];
        const again = this.#way({ ...item, min: Math.max(0, min - 1), max: max - 1 }, rest, item.item);
        return [...(min === 0 ? [rest] : []), this.#way(item.item, again)];
      }
      case 'graph': return [this.#way({ kind: 'state', graph: item.graph, state: item.graph.start }, rest)];
      case 'state': {
        const { graph, state } = item;
        const moves = graph.edges.filter(({ from }) => from === state).map(({ to, on }) => this.#way(on, this.#way({ kind: 'state', graph, state: to }, rest)));
        return [...moves, ...(graph.finals.includes(state) ? [rest] : [])];
      }
    }
  }

  /** One object per item and rest; `source` tells items apart that are made anew each time. */
  #way(item: Item, rest: Way | null, source?: object): Way {
    const key = `${this.#itemKey(item, source)} ${rest?.id ?? -1}`;
    let way = this.#ways.get(key);
    if (!way) this.#ways.set(key, (way = { id: this.#ways.size, item, rest }));
    return way;
  }

  #itemKey(item: Item, source?: object): number {
    const object = (value: object): number => {
      let id = this.#objectIds.get(value);
      if (id === undefined) this.#objectIds.set(value, (id = this.#objectIds.size));
      return id;
    };
    const parts = item.kind === 'bytes' ? [object(item.bytes), item.at, source ? object(source) : -1]
      : item.kind === 'within' ? [object(item.set), ...item.read]
        : item.kind === 'state' ? [object(item.graph), item.state]
          : item.kind === 'repeat' ? [object(item.item), item.min, item.max] : [object(item)];
    const key = `${item.kind} ${parts.join()}`;
    let id = this.#itemIds.get(key);
    if (id === undefined) this.#itemIds.set(key, (id = this.#itemIds.size));
    return id;
  }
}

function lengthOf(first: number): number {
  return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

function isWhole(read: readonly number[]): boolean {
  return read.length === lengthOf(read[0]!);
}

/** Whether a character of the set begins with these bytes: those that can follow span a range of code points. */
function begins(set: CodePoints, read: readonly number[]): boolean {
  const [first, ...rest] = read as [number, ...number[]];
  const length = lengthOf(first);
  if (length === 0 || rest.some((byte) => byte < 0x80 || byte > 0xbf)) return false;
  const bits = [0, 0x7f, 0x1f, 0x0f, 0x07][length]!;
  let low = first & bits;
  for (const byte of rest) low = 64 * low + (byte & 0x3f);
  let high = low;
  for (let i = read.length; i < length; i++) [low, high] = [64 * low, 64 * high + 63];
  // Longer spellings of what is shorter are no UTF-8.
  low = Math.max(low, [0, 0, 0x80, 0x800, 0x10000][length]!);
  for (let i = 0; i < set.length; i += 2) if (Math.max(low, set[i]!) <= Math.min(high, set[i + 1]!)) return true;
  return false;
}
