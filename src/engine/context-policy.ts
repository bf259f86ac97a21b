// What `contextPolicy: 'slide'` leaves out where a prompt is longer than the context: whole turns of a conversation, or the
// middle of a text. What is left out while a text grows is the core's affair (Choice).
import type { ChatMessage } from '../chat/messages.ts';
import { ContextLengthError } from '../errors.ts';
import type { Steps } from '../steps.ts';

/**
 * First ids that stay when a text slides: later positions attend to them whatever they are, and go astray without them
 * (attention sinks, arXiv 2309.17453, which keeps 4).
 */
export const NUM_SINKS = 4;

export interface FittedPrompt {
  readonly ids: number[];
  /** First ids that stay when more has to go. */
  readonly numSinks: number;
  readonly numDropped: number;
}

type Render = (messages: readonly ChatMessage[]) => Steps<number[]>;

/** Room that a prompt leaves for new tokens: what was asked for, at most half of the context; else a quarter. */
export function roomFor(maxTokens: number | undefined, contextLength: number): number {
  return Math.max(1, Math.min(maxTokens ?? Math.floor(contextLength / 4), Math.floor(contextLength / 2)));
}

/** Ids that fit the context stay; of others the first and those last ones that leave `room`. */
export function fitIds(ids: readonly number[], contextLength: number, room: number): FittedPrompt {
  if (ids.length < contextLength) return { ids: [...ids], numSinks: NUM_SINKS, numDropped: 0 };
  const most = contextLength - room;
  const numSinks = Math.min(NUM_SINKS, Math.floor(most / 2));
  const kept = [...ids.slice(0, numSinks), ...ids.slice(ids.length - (most - numSinks))];
  return { ids: kept, numSinks, numDropped: ids.length - kept.length };
}

/**
 * The conversation without its oldest turns, as few of them as let the rest fit beside `room`. System messages at its
 * beginning and the last turn stay; ContextLengthError where these alone are too much.
 */
export function* fitMessages(messages: readonly ChatMessage[], contextLength: number, room: number, render: Render): Steps<FittedPrompt> {
  const firstTurn = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const head = firstTurn < 0 ? messages : messages.slice(0, firstTurn);
  const turns = turnsOf(messages.slice(head.length));
  const without = (count: number): Steps<number[]> => render([...head, ...turns.slice(count).flat()]);
  const all = yield* without(0);
  const most = contextLength - room;
  // The fewest turns, by halving: a rendering gets shorter with every turn left out.
  let [fewest, enough] = [0, all.length > most ? turns.length - 1 : 0];
  while (fewest < enough) {
    const middle = Math.floor((fewest + enough) / 2);
    if ((yield* without(middle)).length > most) fewest = middle + 1;
    else enough = middle;
  }
  const ids = yield* without(Math.max(0, enough));
  if (ids.length >= contextLength) throw new ContextLengthError(ids.length + 1, contextLength);
  return { ids, numSinks: yield* headLength(ids, head, render), numDropped: all.length - ids.length };
}

/** A turn begins with what the user says; the answer and calls of tools belong to it. */
function turnsOf(messages: readonly ChatMessage[]): ChatMessage[][] {
  const turns: ChatMessage[][] = [];
  for (const message of messages) {
    if (message.role === 'user' || turns.length === 0) turns.push([]);
    turns.at(-1)!.push(message);
  }
  return turns;
}

/** Ids that system messages take at the beginning of a rendered conversation. */
function* headLength(ids: readonly number[], head: readonly ChatMessage[], render: Render): Steps<number> {
  if (head.length === 0) return NUM_SINKS;
  const probe = yield* render([...head, { role: 'user', content: '.' }]);
  let same = 0;
  while (same < probe.length && probe[same] === ids[same]) same++;
  return Math.max(NUM_SINKS, same);
}
