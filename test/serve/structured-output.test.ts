// Answers of a given form through the official openai client: they satisfy their schema by ajv, and what cannot be enforced is
// refused by name. The model is tiny and random: nothing but the grammar makes it write JSON.
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { APIError } from 'openai';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const MODEL = 'llama-tied';
const MESSAGES = [{ role: 'user', content: 'Name a fruit.' }] as const;
const FRUIT = {
  type: 'object', additionalProperties: false, required: ['name', 'grams', 'colours'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 8 },
    grams: { type: 'integer', minimum: 1, maximum: 5000 },
    colours: { type: 'array', items: { enum: ['red', 'green'] }, minItems: 1, maxItems: 3 },
  },
};
const isFruit = new Ajv2020().compile(FRUIT);

let server: TestServer;
let client: OpenAI;

beforeAll(async () => {
  server = await tinyServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.close(1000));

const fruit = (strict?: boolean) => ({ type: 'json_schema', json_schema: { name: 'fruit', schema: FRUIT, strict } }) as const;
const ask = (more: object): Promise<OpenAI.ChatCompletion> =>
  client.chat.completions.create({ model: MODEL, messages: [...MESSAGES], seed: 3, ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming);
const refused = (asked: Promise<unknown>): Promise<APIError> => asked.then(() => expect.fail('was answered'), (error: APIError) => error);

describe('response_format', () => {
  it.each([true, false, undefined])('json_schema is satisfied, strict: %s', async (strict) => {
    for (let seed = 0; seed < 5; seed++) {
      const { choices: [choice] } = await ask({ response_format: fruit(strict), seed });
      expect(choice!.finish_reason).toBe('stop');
      expect(isFruit(JSON.parse(choice!.message.content!))).toBe(true);
    }
  });

  it('json_schema is satisfied by streams, and by each of n choices', async () => {
    const stream = await client.chat.completions.create({
      model: MODEL, messages: [...MESSAGES], seed: 1, n: 2, response_format: fruit(true), stream: true,
    });
    const texts = ['', ''];
    for await (const { choices: [choice] } of stream) texts[choice!.index] += choice!.delta.content ?? '';
    for (const text of texts) expect(isFruit(JSON.parse(text))).toBe(true);
  });

  it('json_object is an object, as far as max_tokens lets it come', async () => {
    const { choices: [choice] } = await ask({ response_format: { type: 'json_object' }, max_completion_tokens: 200, temperature: 0.3 });
    const content = choice!.message.content!;
    expect(content).toMatch(/^\{/);
    if (choice!.finish_reason === 'stop') expect(JSON.parse(content)).toBeTypeOf('object');
  });

  it('text is what it is without', async () => {
    const [plain, text] = [await ask({ max_tokens: 5 }), await ask({ max_tokens: 5, response_format: { type: 'text' } })];
    expect(text.choices[0]!.message.content).toBe(plain.choices[0]!.message.content);
  });

  it('is parsed by the client’s helpers', async () => {
    const Fruit = z.object({ name: z.enum(['apple', 'pear']), size: z.object({ grams: z.int().min(1).max(999) }), ripe: z.boolean().nullable() });
    const asked = { model: MODEL, messages: [...MESSAGES], response_format: zodResponseFormat(Fruit, 'fruit'), seed: 2 };
    const { choices: [choice] } = await client.chat.completions.parse(asked);
    expect(Fruit.parse(choice!.message.parsed)).toEqual(JSON.parse(choice!.message.content!));
    const final = await client.chat.completions.stream(asked).finalChatCompletion();
    expect(Fruit.parse(final.choices[0]!.message.parsed)).toEqual(choice!.message.parsed);
  });

  it('is a 400 with keyword and pointer where it cannot be enforced', async () => {
    const schema = { type: 'object', properties: { tags: { type: 'array', items: { type: 'string' }, uniqueItems: true } } };
    for (const stream of [false, true]) {
      const error = await refused(ask({ stream, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }));
      expect(error).toMatchObject({
        status: 400, param: 'response_format', code: 'unenforceable_schema',
        error: { keyword: 'uniqueItems', pointer: '/properties/tags/uniqueItems' },
      });
      expect(error.message).toContain('"uniqueItems" at /properties/tags/uniqueItems');
    }
  });

  it('is a 400 where it is wrong, too large or too deep, with the limit', async () => {
    let deep: object = {};
    for (let i = 0; i < 120; i++) deep = { items: deep };
    const wide = { enum: Array.from({ length: 20_000 }, (_, i) => `value ${i}`) };
    const asSchema = (schema: object) => ({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
    expect(await refused(ask(asSchema(deep)))).toMatchObject({ status: 400, param: 'response_format.json_schema.schema' });
    expect((await refused(ask(asSchema(deep)))).message).toMatch(/100 levels/);
    expect((await refused(ask(asSchema(wide)))).message).toMatch(/limit here is 131072/);
    expect((await refused(ask(asSchema({ type: 'objet' })))).message).toContain('"type" at /type');
    expect(await refused(ask({ response_format: { type: 'yaml' } }))).toMatchObject({ status: 400, param: 'response_format.type' });
    expect(await refused(ask({ response_format: { type: 'json_schema' } }))).toMatchObject({ status: 400, param: 'response_format.json_schema' });
    expect(await refused(ask({ response_format: { type: 'json_object' }, grammar: 'root ::= "x"' }))).toMatchObject({ status: 400, param: 'grammar' });
  });
});

describe('extensions of llama.cpp', () => {
  it('grammar is matched', async () => {
    const { choices: [choice] } = await ask({ grammar: 'root ::= ("yes" | "no") " " [0-9]{3}' });
    expect(choice!.message.content).toMatch(/^(yes|no) \d{3}$/);
    expect(await refused(ask({ grammar: 'root ::= (' }))).toMatchObject({ status: 400, param: 'grammar', code: 'invalid_grammar' });
  });

  it('json_schema, grammar and response_format hold for completions too', async () => {
    const complete = async (more: object): Promise<string> => {
      const { choices } = await client.completions.create({ model: MODEL, prompt: 'a', max_tokens: 300, seed: 4, ...more });
      expect(choices[0]!.finish_reason).toBe('stop');
      return choices[0]!.text;
    };
    expect(isFruit(JSON.parse(await complete({ json_schema: FRUIT })))).toBe(true);
    expect(isFruit(JSON.parse(await complete({ response_format: fruit() })))).toBe(true);
    expect(await complete({ grammar: 'root ::= "ab" [cd]' })).toMatch(/^ab[cd]$/);
    expect(await refused(complete({ json_schema: { type: 'array', unevaluatedItems: false } }))).toMatchObject({ status: 400, param: 'json_schema' });
  });
});

it('conversations have a limited number of messages', async () => {
  const error = await refused(ask({ messages: Array.from({ length: 2049 }, () => MESSAGES[0]) }));
  expect(error).toMatchObject({ status: 400, param: 'messages' });
  expect(error.message).toContain('2048');
});
