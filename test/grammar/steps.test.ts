// Schemas compile in steps, each so short that others have their turn between them.
import { expect, it } from 'vitest';
import { GrammarError } from '../../src/errors.ts';
import { buildNetwork } from '../../src/grammar/network-builder.ts';
import type { Network } from '../../src/grammar/network.ts';
import { schemaRules } from '../../src/grammar/schema/compile.ts';
import type { Steps } from '../../src/steps.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `${String.fromCharCode(97 + (i * i) % 26)}${(7919 * i).toString(36)}${i}`);
const properties = (count: number, schema: object): object => Object.fromEntries(names(count).map((name) => [name, schema]));

const SCHEMAS: readonly [string, object][] = [
  ['1000 properties beside others, which are too many', { type: 'object', properties: properties(1000, { type: 'boolean' }), additionalProperties: { type: 'string' } }],
  ['properties that are counted', { type: 'object', minProperties: 50, properties: properties(100, { type: 'boolean' }) }],
  ['many alternatives', { allOf: names(8).map((name, i) => ({ anyOf: [{ required: [`a${i}`] }, { properties: { [name]: { type: 'string' } } }] })) }],
  ['a format', { type: 'array', items: { type: 'string', format: 'date-time' } }],
];

function* compile(schema: object): Steps<Network> {
  return yield* buildNetwork(yield* schemaRules(schema));
}

/** What each step takes, in ms, up to the last or one that refuses. */
function timesOf(steps: Steps<unknown>): number[] {
  const times: number[] = [];
  for (let isOver = false; !isOver;) {
    const startedAt = performance.now();
    try {
      isOver = steps.next().done ?? false;
    } catch (error) {
      expect(error).toBeInstanceOf(GrammarError);
      isOver = true;
    }
    times.push(performance.now() - startedAt);
  }
  return times;
}

it.each(SCHEMAS)('%s', (_, schema) => {
  // The least of several times: the machine has other things to do, and there is garbage to collect.
  const rounds = Array.from({ length: 5 }, () => timesOf(compile(schema)));
  const least = rounds[0]!.map((__, step) => Math.min(...rounds.map((times) => times[step]!)));
  // 12 ms at most on a quiet machine; a part that is not cut took 100.
  expect(Math.max(...least)).toBeLessThan(60);
}, 60_000);
