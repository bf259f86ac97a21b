// JSON Schema: public vectors. What a schema rejects is never matched; what it accepts is, unless we are narrower on purpose.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { GrammarError } from '../../src/errors.ts';
import { schemaRules } from '../../src/grammar/schema/compile.ts';
import { atOnce } from '../../src/steps.ts';
import { automatonOf, matches } from './recognize.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';

const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => void;

const read = (name: string): unknown => (fixturesDir() ? JSON.parse(readFileSync(fixture(`grammars/${name}`), 'utf8')) : []);
const compile = (schema: unknown): ReturnType<typeof automatonOf> | undefined => {
  try {
    return automatonOf(atOnce(schemaRules(schema)));
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
    expect(counts.refused).toBeLessThanOrEqual(6);
    expect(counts.narrower).toBeLessThanOrEqual(40);
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
    [{ type: 'number', multipleOf: 0.01 }, ['0', '0.05', '-12.3', '1234567890123.99'], ['0.001', '0.055', '.1', '1.', '01']],
    [{ type: 'number', multipleOf: 1e-8, minimum: 0, exclusiveMaximum: 0.5 }, ['0.00000001', '0.49999999', '0'], ['0.5', '0.000000001', '-0.1']],
    [{ type: 'integer', multipleOf: 2.5 }, ['5', '-10', '0'], ['2', '2.5', '7']], [{ type: 'integer', multipleOf: 6, minimum: 10 }, ['12', '600'], ['6', '10', '-12']],
    [{ type: 'integer', multipleOf: 1000 }, ['-17000', '0', '1000000'], ['100', '1001']],
    [{ type: 'integer', multipleOf: 1e6, minimum: -1e6, maximum: 2e6 }, ['-1000000', '0', '2000000'], ['1', '1000001', '3000000']],
    [{ type: 'number', not: { type: 'integer' } }, ['0.5', '-3.25'], ['1', '1.0', '0', '-0.0']], [{ type: 'integer', not: { multipleOf: 3 } }, ['1', '-2', '44'], ['0', '3', '-9']],
    [{ enum: [0.3, 0.25, 0.35], multipleOf: 0.1 }, ['0.3'], ['0.25', '0.35']], [{ enum: [0.3, 0.25], not: { multipleOf: 0.1 } }, ['0.25'], ['0.3']],
    [{ type: ['integer', 'string'], format: 'int32' }, ['2147483647', '-2147483648', '"x"'], ['2147483648', '-2147483649']],
    [{ if: { properties: { kind: { const: 'card' } }, required: ['kind'] }, then: { required: ['number'] }, else: { required: ['iban'] },
      type: 'object', properties: { kind: { enum: ['card', 'bank'] }, number: { type: 'integer' }, iban: { type: 'string' } } },
      ['{"kind":"card","number":1}', '{"kind":"bank","iban":""}', '{"iban":"x"}'], ['{"kind":"card"}', '{"kind":"card","iban":""}', '{}', '{"kind":"bank","number":1}']],
    [{ type: 'object', properties: { a: {}, b: {} }, dependentRequired: { a: ['b'] } }, ['{}', '{"b":1}', '{"a":1,"b":2}'], ['{"a":1}']],
    [{ type: 'object', properties: { a: {}, b: {} }, dependentSchemas: { a: { properties: { b: { type: 'null' } } } } }, ['{"b":1}', '{"a":1}', '{"a":1,"b":null}'], ['{"a":1,"b":2}']],
    [{ type: 'string', not: { pattern: 'b|^c' } }, ['"a"', '""', '"ac"'], ['"ab"', '"c"', '1']], [{ type: 'string', not: { enum: ['a', 'b"'] }, maxLength: 2 }, ['"b"', '"aa"', '""'], ['"a"', '"b\\""']],
    [{ type: 'string', not: { format: 'date' }, pattern: '^\\d{4}-\\d\\d-\\d\\d$' }, ['"2023-02-29"', '"2023-13-01"'], ['"2024-02-29"', '"2023-12-31"']],
    [{ not: { const: { a: [1] } }, type: 'object', properties: { a: { type: 'array', items: { type: 'integer' } }, b: true } },
      ['{"a":[2]}', '{"a":[]}', '{"a":[1,1]}', '{}'], ['{"a":[1]}']],
    [{ type: 'object', not: { required: ['a', 'b'] } }, ['{"a":1}', '{"b":1}', '{}', '{"c":1}'], ['{"a":1,"b":1}']],
    [{ type: 'object', not: { properties: { a: { type: 'string' } }, additionalProperties: false } }, ['{"a":1}', '{"b":1}', '{"a":"","b":1}'], ['{}', '{"a":""}', '[]']],
    [{ type: 'object', properties: { a: { enum: [1, 2] }, b: true }, not: { required: ['a'] } }, ['{}', '{"b":1}'], ['{"a":1}', '{"a":2,"b":1}']],
    [{ type: 'object', not: { propertyNames: { maxLength: 1 } } }, ['{"aa":1}', '{"a":1,"bb":2}'], ['{}', '{"a":1}']],
    [{ type: 'array', not: { items: { type: 'integer' } } }, ['[""]', '[1,null]', '[[],1]'], ['[]', '[1,2]']],
    [{ type: 'array', contains: { minimum: 5 }, minContains: 2, maxContains: 2, maxItems: 4 }, ['[5,1,6]', '[7,8]'], ['[5]', '[5,6,7]', '[]', '[1,2,3,5,5]']],
    [{ type: 'array', items: { enum: ['a', 'b', 1] }, uniqueItems: true, minItems: 2 }, ['["a","b"]', '["b",1,"a"]', '[1,"b"]'], ['["a"]', '["a","a"]', '["a","b","a"]', '[]']],
    [{ type: 'array', items: { enum: Array.from({ length: 40 }, (_, i) => `v${i}`) }, uniqueItems: true, maxItems: 3 }, ['[]', '["v1","v39"]', '["v0","v1","v2"]'], ['["v1","v1"]', '["v0","v1","v2","v3"]']],
    [{ type: 'array', prefixItems: [{ const: 1 }, { enum: [1, 2] }], items: { type: ['boolean', 'null'] }, uniqueItems: true }, ['[]', '[1]', '[1,2,null,true]'], ['[1,1]', '[1,2,true,true]', '[2]']],
    [{ type: 'array', not: { contains: { type: 'null' } } }, ['[]', '[1]'], ['[null]', '[1,null]']],
    [{ oneOf: [{ type: 'integer' }, { minimum: 2 }] }, ['1', '2.5', '-7', '""'], ['2', '3', '1.5']],
    [{ type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }], properties: { a: {}, b: {} } }, ['{"a":1}', '{"b":1}'], ['{}', '{"a":1,"b":1}']],
    [{ oneOf: [{ const: 'te~st@example.com' }, { pattern: '@' }] }, ['"a@b"'], ['"te~st@example.com"', '"x"']],
    [{ $defs: { leaf: { type: 'integer' }, tree: { anyOf: [{ $ref: '#/$defs/leaf' }, { type: 'array', items: { $ref: '#/$defs/tree' } }] } }, type: 'array', items: { type: ['array', 'integer', 'null'], items: { type: ['integer', 'null'] } }, not: { $ref: '#/$defs/tree' } },
      ['[null]', '[1,[null]]'], ['[1]', '[]', '[[1,2]]']],
    [{ type: 'object', propertyNames: { anyOf: [{ const: 'a' }, { pattern: '^b' }] } }, ['{"a":1}', '{"bb":1}'], ['{"c":1}']],
    [{ type: 'string', not: { format: 'email' } }, ['"a"', '"a.b"'], ['"a@b.c"', '"\\u0040"', '1']], [{ const: 'a b', not: { format: 'email' } }, ['"a b"'], []],
    [{ oneOf: [{ type: 'string', format: 'uri' }, { type: 'string', minLength: 9 }] }, ['"a b c d e f"', '"ab:c"'], ['"ab:cdefghij"', '"a b"']],
    [{ if: { properties: { at: { type: 'string', format: 'date-time' } }, required: ['at'] }, then: { required: ['zone'] }, type: 'object', properties: { at: { type: 'string' }, zone: true } },
      ['{"at":"2024-02-29T00:00:00Z","zone":1}', '{"at":"now"}', '{"zone":2}', '{}'], ['{"at":"2024-02-29T00:00:00Z"}']],
    [{ type: 'string', format: 'date' }, ['"2024-02-29"', '"2023-12-31"'], ['"2023-02-29"', '"2023-13-01"', '"2023-1-01"']],
  ])('%j', (schema, good, bad) => {
    const automaton = compile(schema)!;
    expect(good.filter((text) => !matches(automaton, text))).toEqual([]);
    expect(bad.filter((text) => matches(automaton, text))).toEqual([]);
  });
});

describe('formats', () => {
  it.each([
    ['time', ['08:30:06Z', '23:59:60.5Z', '08:30:06.123+05:30'], ['24:00:00Z', '08:30:60Z', '08:30Z', '12:00:00']], ['date-time', ['2024-02-29T08:30:06z'], ['2023-02-29T08:30:06Z', '2024-02-29 08:30:06Z']],
    ['duration', ['P1Y2M3DT4H5M6S', 'P3W', 'PT0S'], ['P', 'PT', 'P1Y2D', 'P1W2D']], ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567e89b12d3a456426614174000']],
    ['email', ["o'neil.b+c@ex-ample.org"], ['a@b', 'a b@c.de', '.a@b.de']], ['hostname', ['a-b.c'], ['-a', 'a-', 'a..b', 'a_b']], ['ipv4', ['255.0.10.1'], ['256.1.1.1', '01.1.1.1']],
    ['ipv6', ['::', '1::8', '1:2:3:4:5:6:7::', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8'], ['1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', ':1', '::1.2.3']],
    ['uri', ['https://u:p@a.de:80/b/c?d=/e#f', 'mailto:a@b.c', 'urn:x:y', 'file:/a'], ['//a/b', 'a b:c', 'http://[1', 'a', '1a:b']],
    ['uri-reference', ['', '#a', '?b', 'a/b', '../c', '//a.de/b', '/d', 'https://a.de'], ['a b', 'http://[', ':a', '//a b']],
    ['uri-template', ['', 'a/{b}', '{+c,d*}{?e:3}'], ['{', '{}', 'a{b', '{a:0}']], ['json-pointer', ['', '/a/~0~1', '/é '], ['a', '/~2']], ['relative-json-pointer', ['0', '1/a', '2#'], ['01', '-1', '/a']],
    ['byte', ['', 'QUJD', 'QUI='], ['QUI', 'Q===']],
  ])('%s', (format, good, bad) => {
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    const automaton = compile({ type: 'string', format })!;
    const opposite = compile({ type: 'string', not: { format } })!;
    for (const text of good) {
      expect(matches(automaton, JSON.stringify(text)), text).toBe(true);
      expect(ajv.validate({ type: 'string', format }, text), text).toBe(true);
      expect(matches(opposite, JSON.stringify(text)), text).toBe(false);
    }
    expect(bad.filter((text) => matches(automaton, JSON.stringify(text)))).toEqual([]);
  });

  it('beside a long maxLength are of shorter texts, rather than refused', () => {
    const automaton = compile({ type: 'array', items: { type: 'string', format: 'email', maxLength: 255 } })!;
    expect(matches(automaton, JSON.stringify(['somebody.else@example.org']))).toBe(true);
    expect(matches(automaton, JSON.stringify([`${'a'.repeat(250)}@example.org`]))).toBe(false);
  });
});

describe('what cannot be enforced', () => {
  it.each([
    [{ properties: { tags: { type: 'array', uniqueItems: true } } }, 'uniqueItems', '/properties/tags/uniqueItems'],
    [{ not: { type: 'array', uniqueItems: true } }, 'uniqueItems', '/not/uniqueItems'], [{ type: 'array', items: { enum: [1, 2] }, uniqueItems: true, contains: { const: 1 } }, 'uniqueItems', '/uniqueItems'],
    [{ const: 'a"@b', not: { format: 'email' } }, 'format', '/not/format'],
    [{ const: { a: ' @' }, oneOf: [{ properties: { a: { format: 'email' } } }, true] }, 'format', '/oneOf/0/properties/a/format'],
    [{ type: 'object', not: { unevaluatedProperties: false, anyOf: [true] } }, 'unevaluatedProperties', '/not/unevaluatedProperties'],
    [{ type: 'object', dependentSchemas: { a: { properties: { a: true } } }, unevaluatedProperties: false }, 'unevaluatedProperties', '/unevaluatedProperties'],
    [{ enum: [{ a: 1 }], allOf: [true], unevaluatedProperties: false }, 'unevaluatedProperties', '/unevaluatedProperties'],
    [{ type: 'string', $dynamicRef: '#a' }, '$dynamicRef', '/$dynamicRef'], [{ const: 1, $ref: '#' }, '$ref', '/$ref'],
    [{ allOf: Array.from({ length: 6 }, () => ({ type: 'array', contains: { minLength: 1 } })) }, 'contains', '/allOf/0/contains'],
    [{ type: 'array', contains: { type: 'null' }, minContains: 9000, maxItems: 9500 }, 'contains', '/contains'],
    [{ dependentRequired: { a: 'b' } }, 'a', '/dependentRequired/a'], [{ dependentSchemas: { a: 1 } }, 'dependentSchemas', '/dependentSchemas'],
    [{ const: { a: 1 }, properties: { a: { allOf: 'x' } } }, 'allOf', '/properties/a/allOf'],
    [{ const: 1, not: { type: 'text' } }, 'type', '/not/type'], [{ not: { minimum: 'x' } }, 'minimum', '/not/minimum'],
    [{ type: 'number', not: { minimum: 1e300 } }, 'minimum', '/not/minimum'],
    [{ type: 'string', pattern: '(?=a)b' }, 'pattern', '/pattern'], [{ type: 'string', pattern: '(a)\\1' }, 'pattern', '/pattern'],
    [{ type: 'string', format: 'regex' }, 'format', '/format'],
    [{ $ref: 'https://example.com/other' }, '$ref', '/$ref'], [{ $ref: '#/nowhere' }, '$ref', '/$ref'],
    [{ type: 'number', multipleOf: 1e-20 }, 'multipleOf', '/multipleOf'], [{ type: 'integer', multipleOf: 123457 }, 'multipleOf', '/multipleOf'], [{ type: 'text' }, 'type', '/type'],
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
    ['negated alternatives', { not: { anyOf: Array.from({ length: 60 }, (_, i) => ({ properties: { [`a${i}`]: { const: 1 }, [`b${i}`]: { const: 2 } } })) } }],
    ['conditions', { type: 'object', allOf: Array.from({ length: 40 }, (_, i) => ({ if: { required: [`a${i}`] }, then: { minProperties: i }, else: { maxProperties: i + 5 } })) }],
    ['alternatives that overlap', { type: 'object', oneOf: Array.from({ length: 60 }, (_, i) => ({ properties: { [`a${i}`]: { type: 'string' }, [`b${i}`]: { type: 'string' } } })) }],
    ['properties that depend on others', { type: 'object', dependentRequired: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`a${i}`, [`b${i}`]])) }],
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
