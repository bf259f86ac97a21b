// The graph of what a list or an object is made of: states are found on the way, each is gone on from once, and one end is shared.
import type { Steps } from '../../steps.ts';
import { rule, sequence, text } from '../expression.ts';
import type { CharacterGraph, Expression } from '../expression.ts';

export const SPACE = rule('space');
export const COMMA = sequence(text(','), SPACE);

const [START, END] = [0, 1];
const EDGES_A_STEP = 512;

export interface Ways<S> {
  to(state: S, on: Expression): void;
  toEnd(on: Expression): void;
}

/** `goOn` says where a state leads; `refuse` throws once there would be more than `most` states. Without a way to the end there are no finals. */
export function* stateGraph<S extends readonly number[]>(
  start: S, goOn: (state: S, ways: Ways<S>) => void, { most, refuse }: { readonly most: number; readonly refuse: () => never },
): Steps<CharacterGraph> {
  const ids = new Map<string, number>();
  const open: S[] = [];
  const edges: CharacterGraph['edges'][number][] = [];
  let hasEnd = false;
  let due = EDGES_A_STEP;
  const idOf = (state: S): number => {
    const key = state.join();
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = ids.size < END ? START : ids.size + 1;
    if (id >= most) refuse();
    ids.set(key, id);
    open.push(state);
    return id;
  };
  idOf(start);
  for (let state = open.pop(); state; state = open.pop()) {
    if (edges.length >= due) {
      due = edges.length + EDGES_A_STEP;
      yield;
    }
    const from = idOf(state);
    goOn(state, {
      to: (next, on) => edges.push({ from, to: idOf(next), on }),
      toEnd(on) {
        edges.push({ from, to: END, on });
        hasEnd = true;
      },
    });
  }
  return { numStates: ids.size + 1, start: START, finals: hasEnd ? [END] : [], edges };
}
