// Any keyword beside any other: what a schema's grammar matches is valid by ajv, whether it is a given value or written by the grammar.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { expect, it } from 'vitest';
import { GrammarError } from '../../src/errors.ts';
import type { Automaton } from '../../src/grammar/automaton.ts';
import { schemaRules } from '../../src/grammar/schema/compile.ts';
import { atOnce } from '../../src/steps.ts';
import { automatonOf, matches } from './recognize.ts';
import { wildSchema } from './wild-schemas.ts';

const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => void;
const NUM_SCHEMAS = 400;
const NUM_VALUES = 40;
const NUM_TEXTS = 8;
const MOST_BYTES = 400;
const CLOSING = new Set([...'"]}'].map((character) => character.charCodeAt(0)));

/** A text that the grammar leads to by random bytes, rather those that close something; undefined where it grows too long. */
function randomText(automaton: Automaton, below: (count: number) => number): string | undefined {
  const bytes: number[] = [];
  let position = automaton.start;
  while (bytes.length < MOST_BYTES) {
    if (position.canEnd && (position.isOver || below(2) === 0)) return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
    const next = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => automaton.next(position, byte));
    expect(next, `nothing follows ${JSON.stringify(String.fromCharCode(...bytes))}`).not.toEqual([]);
    const closing = next.filter((byte) => CLOSING.has(byte));
    const chosen = closing.length > 0 && below(5) < 2 ? closing : next.some((byte) => byte > 0x20) ? next.filter((byte) => byte > 0x20) : next;
    const byte = chosen[below(chosen.length)]!;
    bytes.push(byte);
    position = automaton.next(position, byte)!;
  }
  return undefined;
}

/** What the schema's grammar is; why there is none. */
function compiled(schema: object): Automaton | GrammarError {
  try {
    return automatonOf(atOnce(schemaRules(schema)));
  } catch (error) {
    if (error instanceof GrammarError) return error;
    throw new Error(`${JSON.stringify(schema)} ends in no GrammarError`, { cause: error });
  }
}

/** Whether a value is valid; undefined where ajv gives up: on references that come back without end, and on some nested oneOf. */
function validator(schema: object): (value: unknown) => boolean | undefined {
  const ajv = new Ajv2020({ strict: false, logger: false });
  addFormats(ajv);
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) return undefined;
      throw error;
    }
  };
  const validate = attempt(() => ajv.compile(schema));
  return (value) => attempt(() => validate?.(value) as boolean);
}

it(`${NUM_SCHEMAS} schemas match nothing that is not valid, and most of what is`, { timeout: 120_000 }, () => {
  const counts = { compiled: 0, texts: 0, valid: 0, matched: 0, undecided: 0 };
  for (let seed = 1; seed <= NUM_SCHEMAS; seed++) {
    const { schema, value, below } = wildSchema(seed);
    const automaton = compiled(schema);
    const isValid = validator(schema);
    if (automaton instanceof GrammarError) {
      if (automaton.pointer === undefined) expect(automaton.message).toMatch(/no finite text/);
      else expect(automaton.pointer.split('/').at(-1)).toBe(automaton.keyword);
      continue;
    }
    counts.compiled++;
    const values = Array.from({ length: NUM_VALUES }, value);
    const matched = values.filter((each) => matches(automaton, JSON.stringify(each)));
    expect(matched.filter((each) => isValid(each) === false), JSON.stringify(schema)).toEqual([]);
    counts.matched += matched.length;
    counts.undecided += values.filter((each) => isValid(each) === undefined).length;
    counts.valid += values.filter((each) => isValid(each)).length;
    for (let i = 0; i < NUM_TEXTS; i++) {
      const text = randomText(automaton, below);
      if (text === undefined) continue;
      counts.texts++;
      expect(isValid(JSON.parse(text)), `${JSON.stringify(schema)} ${text}`).not.toBe(false);
    }
  }
  if (process.env['SHOW_COUNTS']) console.log(counts);
  expect(counts.undecided).toBeLessThan(0.05 * NUM_VALUES * counts.compiled);
  expect(counts.compiled).toBeGreaterThan(0.85 * NUM_SCHEMAS);
  expect(counts.texts).toBeGreaterThan(0.9 * NUM_TEXTS * counts.compiled);
  expect(counts.matched).toBeGreaterThan(0.85 * counts.valid);
});
