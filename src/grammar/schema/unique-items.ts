// Arrays whose items are all different, where they are of few values: states of which have been written.
import type { Steps } from '../../steps.ts';
import { EMPTY, sequence, text } from '../expression.ts';
import type { Expression } from '../expression.ts';
import type { Expander } from './expand.ts';
import { countedItems, itemSchema, numPrefixItems } from './parts.ts';
import { unenforceable } from './references.ts';
import type { Json } from './references.ts';
import type { Holder, Shape } from './shape.ts';
import { COMMA, SPACE, stateGraph } from './state-graph.ts';
import { equal } from './validate.ts';

/** Up to so many values come in any order, more of them in the order of the schema, in up to so many states. */
const MOST_IN_ANY_ORDER = 8;
const MOST_STATES = 10_000;

/** The schema that asks for different items, if one does and there may be more than one item. */
export function uniqueIn({ holders, maxItems }: Shape): Holder | undefined {
  return maxItems > 1 ? holders.find(({ schema }) => schema['uniqueItems'] === true) : undefined;
}

/** The items between the brackets. */
export function* uniqueItems(shape: Shape, { pointer }: Holder, expander: Expander): Steps<Expression> {
  const { minItems, maxItems } = shape;
  const refuse = (why: string): never => {
    throw unenforceable('uniqueItems', pointer, why);
  };
  if (countedItems(shape).length > 0) refuse('is not supported beside contains');
  const places: (readonly Json[])[] = [];
  while (places.length <= numPrefixItems(shape)) {
    places.push(fewValues(yield* expander.shapes(itemSchema(shape, places.length))) ??
      refuse('would need all earlier items to be remembered, unless they are of enum, const, boolean or null'));
  }
  const all: Json[] = [];
  const indexOf = (value: Json): number => {
    const known = all.findIndex((other) => equal(value, other));
    return known < 0 ? all.push(value) - 1 : known;
  };
  const indices = places.map((values) => [...new Set(values.map(indexOf))].sort((a, b) => a - b));
  const inAnyOrder = all.length <= MOST_IN_ANY_ORDER;
  // Items counted no further than matters; then a bit for each value that was written, or how many of them are past.
  const last = Math.max(1, places.length - 1, minItems, maxItems === Infinity ? 0 : Math.min(maxItems, all.length));
  const graph = yield* stateGraph<readonly [written: number, past: number]>([0, 0], ([written, past], ways) => {
    if (written >= minItems) ways.toEnd(written === 0 ? EMPTY : SPACE);
    if (written >= maxItems) return;
    for (const i of indices[Math.min(written, places.length - 1)]) {
      if (inAnyOrder ? (past & (1 << i)) !== 0 : i < past) continue;
      const item = text(JSON.stringify(all[i]));
      ways.to([Math.min(written + 1, last), inAnyOrder ? past | (1 << i) : i + 1], written === 0 ? item : sequence(COMMA, item));
    }
  }, { most: MOST_STATES, refuse: () => refuse('has too many values to choose from: use fewer, or a smaller maxItems') });
  return { kind: 'graph', graph };
}

/** All values of the shapes, where none has more than can be listed. */
function fewValues(shapes: readonly Shape[]): readonly Json[] | undefined {
  const lists = shapes.map(({ values, types }): readonly Json[] | undefined => {
    if (values) return values;
    if ([...types].some((type) => type !== 'boolean' && type !== 'null')) return undefined;
    return [...(types.has('null') ? [null] : []), ...(types.has('boolean') ? [true, false] : [])];
  });
  return lists.includes(undefined) ? undefined : lists.flatMap((list) => list!);
}
