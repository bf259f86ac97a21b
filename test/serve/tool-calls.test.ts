// Tool calls through the official openai client, whole and as streams, for every dialect. The model is tiny and random: nothing but
// the grammar makes it call.
import { Ajv2020 } from 'ajv/dist/2020.js';
import OpenAI from 'openai';
import type { APIError } from 'openai';
import { zodFunction } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming;

const written = '{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}<{{ c.function.name }} {{ c.function.arguments.city }}>{% endfor %};{% endfor %}';
const DIALECTS = {
  hermes: `${written}{% if tools %}{{ tools | tojson }}{% endif %}<tool_call>`, llama3: `${written}{% if tools %}{{ tools | tojson }}{% endif %}<|python_tag|>`,
  mistral: `${written}{% if tools %}{{ tools | tojson }}{% endif %}[TOOL_CALLS]`, json: `${written}{# {"name": …, "arguments": …} #}{% if tools %}{{ tools | tojson }}{% endif %}`, none: written,
};
const CITY = { type: 'object', properties: { city: { enum: ['Rome', 'Oslo'] }, days: { type: 'integer', minimum: 1, maximum: 9 } }, required: ['city'], additionalProperties: false };
const isCity = new Ajv2020().compile(CITY);
const WEATHER = { type: 'function', function: { name: 'weather', description: 'tells it', parameters: CITY, strict: true } } as const;
const NOW = { type: 'function', function: { name: 'now' } } as const;
const USER = { role: 'user', content: 'Hi' } as const;
const forced = (name: string) => ({ type: 'function', function: { name } }) as const;

let server: TestServer;
let client: OpenAI;
beforeAll(async () => {
  server = await tinyServer({}, { contextLength: 1024 }, Object.entries(DIALECTS).map(([id, template]) => ({ id, template })));
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.close(1000));

const ask = (more: Partial<Params>): Promise<OpenAI.ChatCompletion> => client.chat.completions.create(
  { model: 'hermes', messages: [USER], tools: [WEATHER, NOW], parallel_tool_calls: false, seed: 1, ...more });
const refused = (asked: Promise<unknown>): Promise<APIError> => asked.then(() => expect.fail('was answered'), (error: APIError) => error);
const functionsOf = (completion: OpenAI.ChatCompletion): { name: string; arguments: string }[] =>
  completion.choices.flatMap(({ message }) => message.tool_calls ?? []).map((call) => (call as OpenAI.ChatCompletionMessageFunctionToolCall).function);

describe.each(Object.keys(DIALECTS))('%s', (model) => {
  it('calls a tool where one is required', async () => {
    for (let seed = 0; seed < 4; seed++) {
      const answer = await ask({ model, tool_choice: 'required', seed });
      expect(answer.choices).toMatchObject([{ finish_reason: 'tool_calls', message: { content: null, tool_calls: [{ id: expect.stringMatching(/^\w{9}$/) as string, type: 'function' }] } }]);
      const [called] = functionsOf(answer);
      if (called!.name === 'now') expect(JSON.parse(called!.arguments)).toEqual({});
      else expect(isCity(JSON.parse(called!.arguments))).toBe(true);
    }
  });

  it('streams the call that it is told to make: name first, arguments in pieces', async () => {
    const stream = await client.chat.completions.create({
      model, messages: [USER], tools: [NOW, WEATHER], tool_choice: forced('weather'), parallel_tool_calls: false, seed: 3, stream: true,
    });
    const deltas: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
    const reasons: unknown[] = [];
    for await (const { choices: [choice] } of stream) {
      const entries = choice!.delta.tool_calls ?? [];
      expect(new Set(entries.map(({ index }) => index)).size).toBe(entries.length);
      deltas.push(...entries);
      if (choice!.finish_reason) reasons.push(choice!.finish_reason);
    }
    expect(reasons).toEqual(['tool_calls']);
    expect(deltas[0]).toMatchObject({ index: 0, id: expect.any(String) as string, type: 'function', function: { name: 'weather', arguments: expect.any(String) as string } });
    expect(deltas.slice(1).every((delta) => delta.index === 0 && delta.id === undefined && delta.function!.name === undefined)).toBe(true);
    expect(deltas.length).toBeGreaterThan(3);
    expect(isCity(JSON.parse(deltas.map((delta) => delta.function!.arguments).join('')))).toBe(true);
  });
});

describe('tools', () => {
  it('are put together from a stream by the client, for each of n choices', async () => {
    const final = await client.chat.completions.stream({
      model: 'mistral', messages: [USER], tools: [WEATHER], tool_choice: 'required', parallel_tool_calls: false, n: 2, seed: 5,
    }).finalChatCompletion();
    expect(final.choices).toHaveLength(2);
    expect(functionsOf(final).map((called) => [called.name, isCity(JSON.parse(called.arguments))])).toEqual([['weather', true], ['weather', true]]);
  });

  it('are parsed and run by the client’s helpers', async () => {
    const parameters = z.object({ city: z.enum(['Rome', 'Oslo']), days: z.int().min(1).max(9).nullable() });
    const { choices: [choice] } = await client.chat.completions.parse({
      model: 'hermes', messages: [USER], tools: [zodFunction({ name: 'weather', parameters })], tool_choice: 'required', parallel_tool_calls: false,
    });
    expect(parameters.parse(choice!.message.tool_calls![0]!.function.parsed_arguments)).toBeTypeOf('object');
    const asked: unknown[] = [];
    const weather = zodFunction({ name: 'weather', parameters, function: (given) => (asked.push(given), 'Sunny') });
    await client.chat.completions.runTools({ model: 'hermes', messages: [USER], tools: [weather], tool_choice: forced('weather'), parallel_tool_calls: false }).done();
    expect(asked).toHaveLength(1);
    expect(() => parameters.parse(asked[0])).not.toThrow();
  });

  it('may be several at once, each whole', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => ask({ tool_choice: 'required', parallel_tool_calls: true, seed, max_tokens: 400 })));
    const counts = answers.map((answer) => functionsOf(answer).length);
    expect(Math.max(...counts)).toBeGreaterThan(1);
    const ids = answers.flatMap(({ choices: [choice] }) => choice!.message.tool_calls!.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('are left alone with "none", and may be with "auto"', async () => {
    const greedy = { temperature: 0, max_tokens: 8, response_format: undefined };
    const without = await ask({ ...greedy, tools: undefined, parallel_tool_calls: undefined });
    const none = await ask({ ...greedy, tool_choice: 'none' });
    expect([none.usage!.prompt_tokens, none.choices[0]!.message.content]).toEqual([without.usage!.prompt_tokens, without.choices[0]!.message.content]);
    const auto = await ask({ ...greedy, tool_choice: 'auto' });
    expect(auto.usage!.prompt_tokens).toBeGreaterThan(none.usage!.prompt_tokens);
    expect(auto.choices[0]!.finish_reason).toBe('length');
    expect(auto.choices[0]!.message.content).toHaveLength((await ask(greedy)).choices[0]!.message.content!.length);
  });

  it('can be limited to some, and go with an answer of another form', async () => {
    const allowed: OpenAI.ChatCompletionAllowedToolChoice = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [forced('now')] } };
    for (let seed = 0; seed < 3; seed++) expect(functionsOf(await ask({ tool_choice: allowed, seed }))).toMatchObject([{ name: 'now' }]);
    const json_schema = { name: 'n', schema: { enum: ['one', 'two'] } };
    const [quote] = server.engines[0]!.tokenize('"', { addSpecial: false });
    const answers = await Promise.all([{}, { [quote!]: 100 }].map((logit_bias) => ask({ response_format: { type: 'json_schema', json_schema }, tools: [NOW], logit_bias })));
    for (const { choices: [choice] } of answers) {
      if (choice!.finish_reason === 'tool_calls') expect(choice!.message.content).toBeNull();
      else expect(['one', 'two']).toContain(JSON.parse(choice!.message.content!));
    }
    expect(answers.map(({ choices: [choice] }) => choice!.finish_reason)).toEqual(['tool_calls', 'stop']);
  });

  it('come back into the conversation, arguments as objects', async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [USER,
      { role: 'assistant', content: null, tool_calls: [{ id: 'abcdefghi', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }] },
      { role: 'tool', tool_call_id: 'abcdefghi', content: 'Sunny' }];
    const spoken = await ask({ messages, max_tokens: 1 });
    const [engine] = server.engines;
    const text = 'user: Hi;assistant: None<weather Rome>;tool: Sunny;';
    const withTools = engine!.renderChat(messages as never, { tools: [WEATHER, NOW] }).text;
    expect(withTools).toContain(text);
    expect(spoken.usage!.prompt_tokens).toBe(engine!.promptIds(messages as never, { tools: [{ ...WEATHER, function: { name: 'weather', description: 'tells it', parameters: CITY } }, NOW] }).length);
  });

  it('are refused where they are wrong, by name', async () => {
    const bad = (more: object): Promise<APIError> => refused(ask(more as Partial<Params>));
    const unenforceable = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { a: { unevaluatedItems: false } } } } };
    expect(await bad({ tools: [NOW, unenforceable] })).toMatchObject({
      status: 400, param: 'tools', code: 'unenforceable_schema', error: { tool: 'f', keyword: 'unevaluatedItems', pointer: '/properties/a/unevaluatedItems' },
    });
    expect(await bad({ tools: [NOW, NOW] })).toMatchObject({ status: 400, param: 'tools' });
    expect(await bad({ tools: undefined, tool_choice: 'required' })).toMatchObject({ status: 400, param: 'tool_choice' });
    expect(await bad({ tool_choice: forced('nope') })).toMatchObject({ status: 400, param: 'tool_choice' });
    expect(await bad({ tools: [{ type: 'function', function: { name: 'a b' } }] })).toMatchObject({ status: 400, param: 'tools[0].function.name' });
    expect(await bad({ tools: [{ type: 'custom', custom: { name: 'x' } }] })).toMatchObject({ status: 400, param: 'tools[0].type' });
    expect((await bad({ tools: Array.from({ length: 129 }, (_, i) => ({ type: 'function', function: { name: `f${i}` } })) })).message).toContain('128');
    expect(await bad({ messages: [{ role: 'assistant', tool_calls: [{ function: {} }] }] })).toMatchObject({ status: 400 });
  });
});
