// JSON Schema: public vectors. What a schema rejects is never matched; what it accepts is, unless we are narrower on purpose.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GrammarError } from '../../src/errors.ts';
import { schemaRules } from '../../src/grammar/schema/compile.ts';
import { automatonOf, matches } from './recognize.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';

const read = (name: string): unknown => (fixturesDir() ? JSON.parse(readFileSync(fixture(`grammars/${name}`), 'utf8')) : []);
const compile = (schema: unknown): ReturnType<typeof automatonOf> | undefined => {
  try {
    return automatonOf(schemaRules(schema));
  } catch (error) {
    // A schema that nothing satisfies.
    if (error instanceof GrammarError && /no finite text/.test(error.message)) return undefined;
    throw error;
  }
};

interface Group {
  readonly file: string;
  readonly name: string;
  readonly schema: unknown;
  readonly accept: readonly unknown[];
  readonly reject: readonly unknown[];
}

interface Vector {
  readonly name: string;
  readonly schema: unknown;
  readonly accept: readonly string[];
  readonly reject: readonly string[];
  readonly reject_class: readonly string[];
}

describe.skipIf(!fixturesDir())('JSON Schema test suite (reference data)', () => {
  const groups = read('json-schema-test-suite-2020-12.json') as Group[];
  const counts = { groups: 0, refused: 0, accepted: 0, narrower: 0 };

  it.each(groups)('$file: $name', ({ schema, accept, reject }) => {
    counts.groups++;
    let automaton: ReturnType<typeof compile>;
    try {
      automaton = compile(schema);
    } catch (error) {
      expect(error).toBeInstanceOf(GrammarError);
      expect((error as GrammarError).keyword ?? '').not.toBe('');
      expect((error as GrammarError).message).toContain((error as GrammarError).pointer);
      counts.refused++;
      return;
    }
    const wrong = reject.filter((instance) => automaton && matches(automaton, JSON.stringify(instance)));
    expect(wrong).toEqual([]);
    const matched = accept.filter((instance) => automaton && matches(automaton, JSON.stringify(instance)));
    counts.accepted += matched.length;
    counts.narrower += accept.length - matched.length;
  });

  it('is narrower or refused no more often than counted', () => {
    if (process.env['SHOW_COUNTS']) console.log(counts);
    expect(counts.groups).toBe(groups.length);
    expect(counts.refused).toBeLessThanOrEqual(39);
    expect(counts.narrower).toBeLessThanOrEqual(58);
  });
});

describe.skipIf(!fixturesDir())('llama.cpp vectors (reference data)', () => {
  it.each(read('json-schema.json') as Vector[])('$name $schema', ({ schema, accept, reject, reject_class }) => {
    let automaton: ReturnType<typeof compile>;
    try {
      automaton = compile(schema);
    } catch (error) {
      // uniqueItems, which llama.cpp ignores.
      expect((error as GrammarError).keyword).toBe('uniqueItems');
      return;
    }
    expect(accept.filter((text) => !matches(automaton!, text))).toEqual([]);
    // Valid instances that llama.cpp rejects are ours to decide.
    expect(reject.filter((text, i) => reject_class[i] !== 'valid-json-valid-instance' && matches(automaton!, text))).toEqual([]);
  });

  it.each(read('schema-to-gbnf.json') as { name: string; schema: unknown; expect: string }[])('$name is compiled as by llama.cpp: $expect', ({ schema, expect: outcome }) => {
    let error: unknown;
    try {
      compile(schema);
    } catch (thrown) {
      error = thrown;
    }
    if (outcome !== 'ok') expect(error).toBeInstanceOf(GrammarError);
    else if (error) expect((error as GrammarError).keyword).toMatch(/^(prefixItems|uniqueItems|oneOf|minimum|maximum|exclusiveMaximum|format|\$ref|pattern|not)$/);
  });
});

describe('enforced exactly', () => {
  it.each([
    [{ type: 'string', pattern: '^a+b?$', minLength: 3 }, ['"aab"', '"aaa"'], ['"ab"', '"aabb"', '"\\u0061aa"']],
    [{ type: 'string', pattern: '\\d{2}' }, ['"x12y"', '"99"'], ['"1x2"']],
    [{ type: 'string', maxLength: 2 }, ['"é😀"', '"\\ud83d\\ude00a"', '"\\n\\\\"'], ['"abc"', '"\\ud83d"', '"\\uD83d\\u0041"']],
    [{ type: 'number', exclusiveMinimum: 0, maximum: 1.5 }, ['1.5', '0.001', '1', '1.25'], ['0', '0.0', '1.51', '2', '-1', '1.5e3']],
    [{ type: 'number', minimum: -2.5, exclusiveMaximum: -0.5 }, ['-2.5', '-1', '-0.51'], ['-2.51', '-0.5', '0', '-3']],
    [{ type: 'integer', multipleOf: 7 }, ['0', '49', '-14'], ['1', '48', '07']],
    [{ type: 'integer', minimum: -8, maximum: 20, multipleOf: 5 }, ['-5', '0', '20'], ['-10', '25', '1']],
    [{ enum: ['a', 3, null, { b: [1] }], type: ['string', 'object'] }, ['"a"', '{"b":[1]}'], ['3', 'null']],
    [{ const: 'x"\n' }, ['"x\\"\\n"'], ['"x"']],
    [{ properties: { a: { type: 'integer' } }, required: ['a', 'z'], additionalProperties: { type: 'null' } },
      ['{"a":1,"z":null}', '{"a":1,"z":null,"q":null}'], ['{"a":1}', '{"a":1,"z":2}', '{"a":1,"z":null,"a":2}']],
    [{ type: 'object', patternProperties: { '^n_': { type: 'number' } }, additionalProperties: { type: 'string' } },
      ['{"n_a":1,"b":"c"}'], ['{"n_a":"c"}', '{"b":1}']],
    [{ type: 'object', propertyNames: { pattern: '^[a-c]+$' }, maxProperties: 2 }, ['{"a":1,"bc":2}', '{}'], ['{"d":1}', '{"a":1,"b":1,"c":1}']],
    [{ type: 'object', properties: { a: true, b: true, c: true }, minProperties: 2, additionalProperties: false },
      ['{"a":1,"c":2}', '{"a":1,"b":1,"c":2}'], ['{"a":1}', '{}']],
    [{ type: 'array', prefixItems: [{ const: 1 }, { type: 'string' }], items: { type: 'boolean' }, minItems: 1, maxItems: 3 },
      ['[1]', '[1,"a"]', '[1, "a", true]'], ['[]', '[2]', '[1,true]', '[1,"a",true,true]']],
    [{ allOf: [{ type: 'object', properties: { a: { minimum: 3 } } }, { properties: { a: { type: 'integer', maximum: 4 } }, required: ['a'] }] },
      ['{"a":3}', '{"a":4}'], ['{"a":5}', '{"a":3.5}', '{}']],
    [{ oneOf: [{ type: 'object', properties: { kind: { const: 'a' } }, required: ['kind'] }, { type: 'object', properties: { kind: { const: 'b' }, n: { type: 'integer' } }, required: ['kind'] }] },
      ['{"kind":"a"}', '{"kind":"b","n":1}'], ['{"kind":"c"}', '{"kind":"a","n":1}']],
    [{ $defs: { node: { type: 'object', properties: { v: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } }, required: ['v', 'next'] } }, $ref: '#/$defs/node' },
      ['{"v":1,"next":{"v":2,"next":null}}'], ['{"v":1}', '{"v":1,"next":{}}']],
    [{ type: 'string', format: 'date' }, ['"2024-02-29"', '"2023-12-31"'], ['"2023-02-29"', '"2023-13-01"', '"2023-1-01"']],
  ])('%j', (schema, good, bad) => {
    const automaton = compile(schema)!;
    expect(good.filter((text) => !matches(automaton, text))).toEqual([]);
    expect(bad.filter((text) => matches(automaton, text))).toEqual([]);
  });
});

describe('what cannot be enforced', () => {
  it.each([
    [{ properties: { tags: { type: 'array', uniqueItems: true } } }, 'uniqueItems', '/properties/tags/uniqueItems'],
    [{ type: 'array', contains: { type: 'integer' } }, 'contains', '/contains'],
    [{ oneOf: [{ type: 'integer' }, { minimum: 2 }] }, 'oneOf', '/oneOf'],
    [{ not: { required: ['a'] } }, 'not', '/not'],
    [{ if: { type: 'string' }, then: { minLength: 2 } }, 'if', '/if'],
    [{ type: 'string', pattern: '(?=a)b' }, 'pattern', '/pattern'], [{ type: 'string', pattern: '(a)\\1' }, 'pattern', '/pattern'],
    [{ type: 'string', format: 'regex' }, 'format', '/format'],
    [{ $ref: 'https://example.com/other' }, '$ref', '/$ref'], [{ $ref: '#/nowhere' }, '$ref', '/$ref'],
    [{ type: 'number', multipleOf: 0.1 }, 'multipleOf', '/multipleOf'], [{ type: 'text' }, 'type', '/type'],
    [{ type: 'object', minProperties: 3 }, 'minProperties', '/minProperties'], [{ type: 'array', minItems: -1 }, 'minItems', '/minItems'],
    [{ type: 'object', propertyNames: 'object' }, 'propertyNames', '/propertyNames'],
    [{ enum: [[1]], contains: 'integer' }, 'contains', '/contains'],
    [{ 'properties': { 'a/b~c': { type: 'nope' } } }, 'type', '/properties/a~1b~0c/type'],
  ])('%j names %s at %s', (schema, keyword, pointer) => {
    let error: unknown;
    try {
      compile(schema);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(GrammarError);
    expect(error).toMatchObject({ keyword, pointer });
  });

  it.each([
    ['nested repetitions', { type: 'string', pattern: '^(((a{0,99}){0,99}){0,99}){0,99}$' }],
    ['exponential automata', { type: 'string', pattern: '(a|b)*a(a|b){40}' }],
    ['long arrays', { type: 'array', minItems: 1e9 }],
    ['deep nesting', JSON.parse(`${'{"items":'.repeat(1000)}{}${'}'.repeat(1000)}`) as unknown],
    ['alternatives', { allOf: Array.from({ length: 40 }, () => ({ anyOf: [{ minimum: 1 }, { maximum: 5 }] })) }],
  ])('%s end soon in an error', (_name, schema) => {
    const startedAt = performance.now();
    expect(() => compile(schema)).toThrow(GrammarError);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('takes patterns that make backtracking engines hang', () => {
    const automaton = compile({ type: 'string', pattern: '^(a+)+$' })!;
    expect(matches(automaton, `"${'a'.repeat(3000)}!"`)).toBe(false);
    expect(matches(automaton, `"${'a'.repeat(3000)}"`)).toBe(true);
  });
});
