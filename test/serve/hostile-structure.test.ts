// Hostile schemas, grammars, tools and conversations: never a 500, and nothing that keeps the server from others for long.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await tinyServer({}, { contextLength: 128 });
});
afterAll(() => server.close(1000));

const post = (path: string, body: object): Promise<Response> =>
  fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const chat = (more: object): Promise<Response> =>
  post('/v1/chat/completions', { model: 'llama-tied', messages: [{ role: 'user', content: 'x' }], max_tokens: 2, ...more });
const schemaOf = (schema: unknown): object => ({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });

const keyword = fc.constantFrom(
  'type', 'properties', 'required', 'items', 'prefixItems', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'not', '$ref', '$defs', '$id', 'pattern',
  'format', 'minimum', 'maximum', 'multipleOf', 'minItems', 'maxItems', 'minLength', 'maxLength', 'additionalProperties', 'patternProperties',
  'propertyNames', 'minProperties', 'maxProperties', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'contains', 'minContains',
  'maxContains', 'uniqueItems', 'unevaluatedProperties', '__proto__', 'a',
);
const { schema } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.dictionary(keyword, fc.oneof(
    { depthSize: 'small' }, fc.constantFrom<unknown>('object', 'array', 'string', 'integer', '#', '#/$defs/a', '^a*$', '(', 'date', 0, 3, -1, 1e300, true, false, null, ['a'], {}),
    tie('schema'), fc.array(tie('schema'), { maxLength: 3 }), fc.dictionary(keyword, tie('schema'), { maxKeys: 3 }),
  ), { maxKeys: 4 }),
}));
const call = fc.record({ id: fc.string(), type: fc.constant('function'), function: fc.record({ name: fc.constantFrom('f', ''), arguments: fc.oneof(fc.json(), fc.string()) }) });
const message = fc.record({
  role: fc.constantFrom('user', 'assistant', 'tool', 'developer', 'x'), content: fc.oneof(fc.string(), fc.constant(null)),
  tool_calls: fc.array(call, { maxLength: 2 }), tool_call_id: fc.string(),
}, { requiredKeys: ['role'] });

describe('random', () => {
  it('schemas and grammars are answered or refused', async () => {
    const grammar = fc.array(fc.constantFrom('root', '::=', '"a"', '|', '(', ')', '*', '{2,9}', '[a-z]', '\n', 'b', ' '), { maxLength: 20 }).map((parts) => parts.join(''));
    const asked = fc.oneof(schema.map(schemaOf), grammar.map((text) => ({ grammar: text })));
    await fc.assert(fc.asyncProperty(asked, async (more) => {
      const response = await chat(more);
      const answer = await response.json() as { error?: { param: string } };
      expect([200, 400]).toContain(response.status);
      if (response.status === 400) expect(answer.error!.param ?? '').toMatch(/^(response_format|grammar)|^$/);
    }), { numRuns: 250 });
  });

  it('tools and conversations are answered or refused, by both APIs', async () => {
    const choice = fc.constantFrom<unknown>('auto', 'none', 'required', { type: 'function', function: { name: 'f' } }, { type: 'function', name: 'f' }, 'x');
    const conversation = fc.array(message, { minLength: 1, maxLength: 4 });
    await fc.assert(fc.asyncProperty(conversation, fc.array(schema, { maxLength: 2 }), choice, async (messages, schemas, tool_choice) => {
      const functions = schemas.map((parameters, i) => ({ name: i === 0 ? 'f' : 'g', parameters }));
      const answers = await Promise.all([
        chat({ messages, tools: functions.map((each) => ({ type: 'function', function: each })), tool_choice }),
        post('/v1/responses', { model: 'llama-tied', input: messages, max_output_tokens: 2, tools: functions.map((each) => ({ type: 'function', ...each })), tool_choice }),
      ]);
      for (const response of answers) {
        await response.text();
        expect([200, 400]).toContain(response.status);
      }
    }), { numRuns: 120 });
    expect(server.handler.numActive).toBe(0);
  });
});

const wide = (count: number): object => ({ type: 'object', properties: Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string' }])) });
const doubling = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d${i}`, { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { type: 'array', items: { $ref: `#/$defs/d${i + 1}` } }] }]));
const HOSTILE: readonly (readonly [string, object])[] = [
  ['a reference to itself', { $ref: '#' }],
  ['alternatives that double', { $ref: '#/$defs/d0', $defs: { ...doubling, d40: { type: 'null' } } }],
  ['conjunctions that multiply', { allOf: Array.from({ length: 14 }, (_, i) => ({ anyOf: [{ minimum: i }, { maxLength: i }, { minItems: i }] })) }],
  ['repetitions of repetitions', { type: 'array', minItems: 2000, items: { type: 'array', minItems: 2000, items: { type: 'array', minItems: 2000 } } }],
  ['a pattern that grows', { type: 'string', pattern: '^(a|b)*a(a|b){18}$' }],
  ['patterns that cut each other', { allOf: Array.from({ length: 12 }, (_, i) => ({ type: 'string', pattern: `(a${'b'.repeat(i)}){3,40}` })) }],
  ['many properties', wide(3000)],
  ['many properties that are counted', { ...wide(1500), minProperties: 700, maxProperties: 900 }],
  ['a long enum', { enum: Array.from({ length: 8000 }, (_, i) => `value ${i}`) }],
  ['constants compared again and again', { const: 1, $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }])), d40: true } }],
  ['what many first items rule out', { not: { prefixItems: Array.from({ length: 3000 }, (_, i) => ({ const: i })) } }],
  ['many properties that must not all be', { type: 'object', not: { required: Array.from({ length: 5000 }, (_, i) => `p${i}`) } }],
  ['conditions within conditions', Array.from({ length: 24 }).reduce<object>((inner, _, i) => ({ if: inner, then: { minimum: i }, else: { maxLength: i } }), { type: 'integer' })],
  ['many alternatives of which one must hold', { oneOf: Array.from({ length: 400 }, (_, i) => ({ properties: { [`p${i}`]: { type: 'string' } } })) }],
  ['long strings', { type: 'string', minLength: 20000, maxLength: 1e9 }],
];

describe('what is meant to take long', () => {
  it.each(HOSTILE)('%s', async (_name, hostile) => {
    const at = performance.now();
    const response = await chat(schemaOf(hostile));
    await response.text();
    const ms = Math.round(performance.now() - at);
    expect([200, 400]).toContain(response.status);
    expect(ms).toBeLessThan(15_000);
  });
});
