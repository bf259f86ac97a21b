// Turns rules into a network: expressions become states and edges, what can never end is cut away, left recursion is refused.
import { GrammarError } from '../errors.ts';
import type { Steps } from '../steps.ts';
import type { Expression, Rules } from './expression.ts';
import { LIMITS } from './limits.ts';
import { closeNetwork } from './network-closure.ts';
import type { Network } from './network.ts';
import { byteSequences } from './utf8.ts';

export type Edge =
  | { readonly kind: 'byte'; readonly low: number; readonly high: number; readonly to: number }
  | { readonly kind: 'call'; readonly rule: number; readonly to: number }
  | { readonly kind: 'token'; readonly id: number; readonly negated: boolean; readonly to: number }
  | { readonly kind: 'empty'; readonly to: number };

export interface Draft {
  readonly edges: Edge[][];
  readonly names: readonly string[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Copies of an expression with more states than this call one rule instead. */
const MOST_STATES_COPIED = 6;
/** Between two pauses. */
const STATES_A_STEP = 1024;
const PARTS_A_STEP = 256;
const encoder = new TextEncoder();

/** Throws GrammarError for rules that are missing, too large, left-recursive, or match no finite text. */
export function* buildNetwork(rules: Rules, root = 'root'): Steps<Network> {
  const builder = new Builder();
  for (const name of rules.keys()) builder.declare(name);
  if (!rules.has(root)) throw new GrammarError(`The grammar has no rule "${root}", where a text begins. Add one.`);
  for (const [name, expression] of rules) yield* builder.define(name, expression);
  return yield* closeNetwork(builder.draft(), builder.indexOf(root));
}

class Builder {
  readonly #edges: Edge[][] = [];
  readonly #names: string[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #indices = new Map<string, number>();
  readonly #copied = new Map<Expression, number>();
  #numParts = 0;
  /** States at which there is a pause. */
  #due = STATES_A_STEP;

  declare(name: string): number {
    const index = this.#names.length;
    if (index >= LIMITS.rules) throw new GrammarError(`The grammar has more than ${LIMITS.rules} rules. Make it smaller.`);
    this.#names.push(name);
    this.#indices.set(name, index);
    this.#starts.push(this.#state());
    this.#ends.push(this.#state());
    return index;
  }

  *define(name: string, expression: Expression): Steps<void> {
    const index = this.indexOf(name);
    yield* this.#build(expression, this.#starts[index], this.#ends[index], 0);
  }

  indexOf(name: string): number {
    const index = this.#indices.get(name);
    if (index !== undefined) return index;
    throw new GrammarError(`The grammar uses the rule "${name.slice(0, 80)}" but does not define it.`);
  }

  draft(): Draft {
    return { edges: this.#edges, names: this.#names, starts: this.#starts, ends: this.#ends };
  }

  #isPauseDue(): boolean {
    if (++this.#numParts % PARTS_A_STEP !== 0 && this.#edges.length < this.#due) return false;
    this.#due = this.#edges.length + STATES_A_STEP;
    return true;
  }

  #state(): number {
    if (this.#edges.length >= LIMITS.states) {
      throw new GrammarError(`The grammar takes more than ${LIMITS.states} states. Use smaller repetitions and bounds.`);
    }
    return this.#edges.push([]) - 1;
  }

  *#build(expression: Expression, from: number, to: number, depth: number): Steps<void> {
    if (depth > 4 * LIMITS.depth) throw new GrammarError('The grammar nests too deep.');
    switch (expression.kind) {
      case 'sequence': {
        const { items } = expression;
        let at = from;
        for (let i = 0; i < items.length; i++) {
          const next = i === items.length - 1 ? to : this.#state();
          if (this.#isPauseDue()) yield;
          if (!this.#isBuilt(items[i], at, next)) yield* this.#build(items[i], at, next, depth + 1);
          at = next;
        }
        if (items.length === 0) this.#edge(from, { kind: 'empty', to });
        return;
      }
      case 'choice':
        for (const item of expression.items) {
          if (this.#isPauseDue()) yield;
          if (!this.#isBuilt(item, from, to)) yield* this.#build(item, from, to, depth + 1);
        }
        return;
      case 'repeat':
        return yield* this.#repeat(expression, from, to, depth);
      case 'graph': {
        const { numStates, start, finals, edges } = expression.graph;
        const states = Array.from({ length: numStates }, () => this.#state());
        this.#edge(from, { kind: 'empty', to: states[start] });
        for (const final of finals) this.#edge(states[final], { kind: 'empty', to });
        for (const { from: a, to: b, on } of edges) {
          if (this.#isPauseDue()) yield;
          if (!this.#isBuilt(on, states[a], states[b])) yield* this.#build(on, states[a], states[b], depth + 1);
        }
        return;
      }
      default:
        this.#isBuilt(expression, from, to);
    }
  }

  /** Builds an expression without parts; false for any other. */
  #isBuilt(expression: Expression, from: number, to: number): boolean {
    switch (expression.kind) {
      case 'text':
        this.#bytes([...encoder.encode(expression.text)].map((byte) => [byte, byte]), from, to);
        return true;
      case 'characters':
        for (const sequence of byteSequences(expression.set)) this.#bytes(sequence, from, to);
        return true;
      case 'rule':
        this.#edge(from, { kind: 'call', rule: this.indexOf(expression.name), to });
        return true;
      case 'token':
        this.#edge(from, { kind: 'token', id: expression.id, negated: expression.negated, to });
        return true;
      default:
        return false;
    }
  }

  *#repeat({ item, min, max }: Expression & { kind: 'repeat' }, from: number, to: number, depth: number): Steps<void> {
    if (min > max || max === 0) {
      if (max === 0) this.#edge(from, { kind: 'empty', to });
      return;
    }
    const count = Math.max(min, max === Infinity ? 1 : max);
    const copy = count > 2 && weight(item, MOST_STATES_COPIED) > MOST_STATES_COPIED ? yield* this.#ruleFor(item, depth) : undefined;
    const one: Expression | undefined = copy === undefined ? item : undefined;
    // States of its own, as a loop must not let what comes before or after in again.
    let at = this.#state();
    this.#edge(from, { kind: 'empty', to: at });
    const fixed = max === Infinity ? min : max;
    const loop = max === Infinity ? 1 : 0;
    for (let i = 0; i < fixed + loop; i++) {
      const isLoop = i === fixed;
      if (i >= min && !isLoop) this.#edge(at, { kind: 'empty', to });
      const next = this.#state();
      if (this.#isPauseDue()) yield;
      if (!one) this.#edge(at, { kind: 'call', rule: copy!, to: next });
      else if (!this.#isBuilt(one, at, next)) yield* this.#build(one, at, next, depth + 1);
      if (isLoop) this.#edge(next, { kind: 'empty', to: at });
      else at = next;
    }
    this.#edge(at, { kind: 'empty', to });
  }

  *#ruleFor(item: Expression, depth: number): Steps<number> {
    const known = this.#copied.get(item);
    if (known !== undefined) return known;
    const index = this.declare(`(part ${this.#names.length})`);
    this.#copied.set(item, index);
    yield* this.#build(item, this.#starts[index], this.#ends[index], depth + 1);
    return index;
  }

  #bytes(ranges: readonly (readonly [number, number])[], from: number, to: number): void {
    let at = from;
    ranges.forEach(([low, high], i) => {
      const next = i === ranges.length - 1 ? to : this.#state();
      this.#edge(at, { kind: 'byte', low, high, to: next });
      at = next;
    });
    if (ranges.length === 0) this.#edge(from, { kind: 'empty', to });
  }

  #edge(from: number, edge: Edge): void {
    this.#edges[from].push(edge);
  }
}

/** How many states an expression takes, roughly and no further than `most`. */
function weight(expression: Expression, most: number): number {
  switch (expression.kind) {
    case 'text': return expression.text.length;
    case 'characters': return expression.set.length > 2 || expression.set[1] > 0x7f ? 1 + expression.set.length * 2 : 1;
    case 'sequence':
    case 'choice': {
      let sum = 0;
      for (const item of expression.items) if ((sum += 1 + weight(item, most)) > most) break;
      return sum;
    }
    case 'repeat': return (Math.min(expression.max, expression.min + 1) + 1) * weight(expression.item, most);
    case 'graph': return expression.graph.numStates;
    case 'rule':
    case 'token': return 1;
  }
}
