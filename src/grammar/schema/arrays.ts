// JSON arrays: first items of their own, then others alike; where items are counted (contains), as states of what was counted.
import type { Steps } from '../../steps.ts';
import { EMPTY, choice, optional, repeat, sequence, text } from '../expression.ts';
import type { Expression } from '../expression.ts';
import type { Expander } from './expand.ts';
import { negation } from './negation/derived.ts';
import { countedItems, itemSchema, numPrefixItems } from './parts.ts';
import type { Counted } from './parts.ts';
import { unenforceable } from './references.ts';
import type { Located } from './references.ts';
import { Conjunction } from './shape.ts';
import type { Shape } from './shape.ts';
import { COMMA, SPACE, stateGraph } from './state-graph.ts';
import { uniqueIn, uniqueItems } from './unique-items.ts';

type ValueOf = (conjunction: Conjunction) => Expression;

/** States that counted items may take, and of how many schemas they are counted at once. */
const MOST_STATES = 10_000;
const MOST_COUNTED = 5;

export function* arrayOf(shape: Shape, valueOf: ValueOf, expander: Expander): Steps<Expression> {
  const counted = countedItems(shape);
  const unique = uniqueIn(shape);
  const members = unique ? yield* uniqueItems(shape, unique, expander)
    : counted.length === 0 ? choice(sequence(plainItems(shape, valueOf), SPACE)) : yield* countingItems(shape, counted, valueOf);
  return sequence(text('['), SPACE, members, text(']'));
}

function plainItems(shape: Shape, valueOf: ValueOf): Expression {
  const { minItems, maxItems } = shape;
  const numPrefix = Math.min(numPrefixItems(shape), maxItems);
  const rest = valueOf(itemSchema(shape, numPrefixItems(shape)));
  const least = Math.max(0, minItems - numPrefix);
  const numRest = maxItems - numPrefix;
  const withRest = (isFirst: boolean): Expression => {
    if (numRest <= 0) return EMPTY;
    if (!isFirst) return repeat(sequence(COMMA, rest), least, numRest);
    const items = sequence(rest, repeat(sequence(COMMA, rest), Math.max(0, least - 1), numRest - 1));
    return least > 0 ? items : optional(items);
  };
  let members = withRest(numPrefix === 0);
  for (let i = numPrefix - 1; i >= 0; i--) {
    const item = sequence(...(i === 0 ? [] : [COMMA]), valueOf(itemSchema(shape, i)), members);
    members = i < minItems ? item : optional(item);
  }
  return members;
}

/** States are (items written, of them counted by each schema), neither further than matters. */
function* countingItems(shape: Shape, counted: readonly Counted[], valueOf: ValueOf): Steps<Expression> {
  const { minItems, maxItems } = shape;
  const refuse = (why: string): never => {
    throw unenforceable('contains', counted[0].holder.pointer, why);
  };
  if (counted.length > MOST_COUNTED) refuse(`is one of more than ${MOST_COUNTED} for the same array`);
  const last = Math.max(1, numPrefixItems(shape), ...counted.map(({ from }) => from), minItems, maxItems === Infinity ? 0 : maxItems);
  const graph = yield* stateGraph([0, ...counted.map(() => 0)], ([written, ...counts], ways) => {
    if (written >= minItems && counted.every(({ min }, i) => counts[i] >= min)) ways.toEnd(written === 0 ? EMPTY : SPACE);
    if (written >= maxItems) return;
    for (const { members, after } of nextItems(counted, written, counts)) {
      const item = valueOf(new Conjunction([...itemSchema(shape, written).members, ...members]));
      ways.to([Math.min(written + 1, last), ...after], written === 0 ? item : sequence(COMMA, item));
    }
  }, { most: MOST_STATES, refuse: () => refuse('counts too far: use smaller minItems, maxItems, minContains or maxContains') });
  return { kind: 'graph', graph };
}

interface NextItem {
  readonly members: readonly Located[];
  readonly after: readonly number[];
}

/** What the next item may be: counted by some of the schemas; not by others where their counts must not grow too far. */
function nextItems(counted: readonly Counted[], written: number, counts: readonly number[]): NextItem[] {
  let ways: NextItem[] = [{ members: [], after: [] }];
  counted.forEach(({ item, from, min, max }, i) => {
    const [count, most] = [counts[i], max === Infinity ? min : max];
    ways = ways.flatMap(({ members, after }) => {
      const counting = written >= from && count < most ? [{ members: [...members, item], after: [...after, count + 1] }] : [];
      const isKept = written >= from && max !== Infinity;
      return [...counting, { members: isKept ? [...members, negation(item)] : members, after: [...after, count] }];
    });
  });
  return ways;
}
