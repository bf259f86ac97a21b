// /v1/responses through the official openai client: texts, forms, tools and their results, and streams as its helpers read them.
import { Ajv2020 } from 'ajv/dist/2020.js';
import OpenAI from 'openai';
import type { APIError } from 'openai';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Completion, GenerateOptions } from '../../src/index.ts';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

type Params = OpenAI.Responses.ResponseCreateParamsNonStreaming;
type Event = OpenAI.Responses.ResponseStreamEvent;

const TEMPLATE = '{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}<{{ c.function.name }} {{ c.function.arguments.city }}>{% endfor %}{% if m.name %} by {{ m.name }}{% endif %};{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}<tool_call>';
const MODEL = 'hermes';
const CITY = { type: 'object', properties: { city: { enum: ['Rome', 'Oslo'] }, days: { type: 'integer', minimum: 1, maximum: 9 } }, required: ['city'], additionalProperties: false };
const isCity = new Ajv2020().compile(CITY);
const WEATHER: OpenAI.Responses.FunctionTool = { type: 'function', name: 'weather', description: 'tells it', parameters: CITY, strict: true };
const GREEDY = { temperature: 0, max_output_tokens: 10, ignore_eos: true };
const bounded = { model: MODEL, tools: [WEATHER], parallel_tool_calls: false, seed: 1 };

let server: TestServer;
let client: OpenAI;
beforeAll(async () => {
  server = await tinyServer({}, { contextLength: 512 }, [
    { id: MODEL, template: TEMPLATE }, { id: 'llama3', template: `${TEMPLATE.replace('<tool_call>', '')}<|python_tag|>` },
    { id: 'untaught', template: '{% for m in messages %}{{ m.content }}{% endfor %}' },
  ]);
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  await client.responses.create({ model: MODEL, input: 'a', max_output_tokens: 1 });
});
afterAll(() => server.close(1000));

/** What the engine itself says to this text. */
const engineSays = (text: string, options: GenerateOptions = {}): Promise<Completion> => server.engines[0]!.complete(
  server.engines[0]!.tokenize(text), { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 10, ignoreEos: true, ...options });
const create = (more: Partial<Params> & object): Promise<OpenAI.Responses.Response> =>
  client.responses.create({ model: MODEL, input: 'Hi', ...GREEDY, ...more } as Params);
const refused = (asked: Promise<unknown>): Promise<APIError> => asked.then(() => expect.fail('was answered'), (error: APIError) => error);

async function eventsOf(more: object): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of await client.responses.create({ model: MODEL, input: 'Hi', ...more, stream: true })) events.push(event);
  return events;
}

describe('a response', () => {
  it('has the engine’s text and counts', async () => {
    const expected = await engineSays('user: Hi;<tool_call>');
    const response = await create({});
    expect(response).toMatchObject({
      object: 'response', status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, error: null, store: false,
      output: [{ type: 'message', role: 'assistant', status: 'incomplete', content: [{ type: 'output_text', annotations: [] }] }],
      usage: { input_tokens: expected.promptIds.length, output_tokens: 10, total_tokens: expected.promptIds.length + 10 },
    });
    expect(response.output_text).toBe(expected.text);
  });

  it('takes instructions, items, calls and results into the conversation', async () => {
    const input = [
      { role: 'developer', content: 'Be brief.' }, { role: 'user', content: [{ type: 'input_text', text: 'One' }, { type: 'input_text', text: 'two' }] },
      { type: 'message', role: 'assistant', id: 'm', status: 'completed', content: [{ type: 'output_text', text: 'Wait', annotations: [] }] },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Rome"}', id: 'fc_1', status: 'completed' },
      { type: 'function_call', call_id: 'c2', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call_output', call_id: 'c2', output: 'Rain' }, { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_text', text: 'Sun' }] },
    ];
    const text = 'system: Speak.\n\nBe brief.;user: Onetwo;assistant: Wait<weather Rome><weather Oslo>;tool: Rain by weather;tool: Sun by weather;<tool_call>';
    expect((await create({ instructions: 'Speak.', input: input as never })).output_text).toBe((await engineSays(text)).text);
    const lost = await refused(create({ input: [{ type: 'function_call_output', call_id: 'c9', output: 'x' }] }));
    expect(lost).toMatchObject({ status: 400, param: 'input[0].call_id' });
  });

  it('says whether several calls are allowed: as was asked, else as suits the model', async () => {
    const echoed = async (model: string, parallel_tool_calls?: boolean): Promise<boolean> =>
      (await create({ model, tools: [WEATHER], tool_choice: 'none', parallel_tool_calls, max_output_tokens: 1 })).parallel_tool_calls;
    const asked = await Promise.all([MODEL, 'llama3', 'untaught'].flatMap((model) => [echoed(model), echoed(model, true), echoed(model, false)]));
    expect(asked).toEqual([true, true, false, false, true, false, false, true, false]);
    const named = await create({ tools: [WEATHER], tool_choice: { type: 'function', name: 'weather' }, max_output_tokens: 1 });
    expect(named.parallel_tool_calls).toBe(false);
  });

  it('takes its own output back', async () => {
    const first = await client.responses.create({ ...bounded, input: 'Hi', tool_choice: 'required' });
    const call = first.output[0] as OpenAI.Responses.ResponseFunctionToolCall;
    const second = await create({ input: [{ role: 'user', content: 'Hi' }, ...first.output, { type: 'function_call_output', call_id: call.call_id, output: 'Sun' }] as never });
    const { city } = JSON.parse(call.arguments) as { city: string };
    expect(second.output_text).toBe((await engineSays(`user: Hi;assistant: <weather ${city}>;tool: Sun by weather;<tool_call>`)).text);
  });

  it('has log-probabilities where they are included', async () => {
    const { output: [item], usage } = await create({ include: ['message.output_text.logprobs'], top_logprobs: 2, max_output_tokens: 60 });
    const [part] = (item as OpenAI.Responses.ResponseOutputMessage).content as OpenAI.Responses.ResponseOutputText[];
    // Also of tokens that are part of a character only.
    expect([part!.logprobs!.length, usage!.output_tokens]).toEqual([60, 60]);
    for (const { logprob, top_logprobs } of part!.logprobs!) expect([logprob <= 0, top_logprobs.length]).toEqual([true, 2]);
  });

  it('loses its oldest turns with truncation auto, and is an error without', async () => {
    const input = Array.from({ length: 40 }, () => [{ role: 'user', content: 'A long question, again and again.' }, { role: 'assistant', content: 'No.' }] as const).flat();
    expect((await create({ input: [...input], truncation: 'auto' })).usage!.input_tokens).toBeLessThan(512);
    const endless = await create({ input: 'Hi', truncation: 'auto', max_output_tokens: 2 ** 40 });
    expect([endless.status, endless.usage!.output_tokens]).toEqual(['incomplete', 512]);
    expect(await refused(create({ input: [...input] }))).toMatchObject({ status: 400, type: 'exceed_context_size_error' });
  });
});

describe('text.format', () => {
  it('is satisfied, and parsed by the client’s helper', async () => {
    const { output_text: text } = await client.responses.create({
      model: MODEL, input: 'Hi', text: { format: { type: 'json_schema', name: 'city', schema: CITY, strict: true } },
    });
    expect(isCity(JSON.parse(text))).toBe(true);
    const City = z.object({ city: z.enum(['Rome', 'Oslo']), big: z.boolean() });
    const parsed = await client.responses.parse({ model: MODEL, input: 'Hi', text: { format: zodTextFormat(City, 'city') } });
    expect(City.parse(parsed.output_parsed)).toEqual(JSON.parse(parsed.output_text));
    expect(parsed.status).toBe('completed');
  });

  it('is refused where it cannot be enforced', async () => {
    const schema = { type: 'object', properties: { a: { unevaluatedItems: false } } };
    expect(await refused(create({ text: { format: { type: 'json_schema', name: 'x', schema } } })))
      .toMatchObject({ status: 400, param: 'text.format', error: { keyword: 'unevaluatedItems', pointer: '/properties/a/unevaluatedItems' } });
  });
});

describe('tools', () => {
  it('are called as required, or by name, and parsed by the client’s helper', async () => {
    for (const tool_choice of ['required', { type: 'function', name: 'weather' }, { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'weather' }] }] as const) {
      const response = await client.responses.create({ ...bounded, input: 'Hi', tool_choice: tool_choice as never });
      expect(response.output).toMatchObject([{ type: 'function_call', name: 'weather', status: 'completed', call_id: expect.any(String) as string }]);
      expect(isCity(JSON.parse((response.output[0] as OpenAI.Responses.ResponseFunctionToolCall).arguments))).toBe(true);
    }
    const parameters = z.object({ city: z.enum(['Rome', 'Oslo']) });
    const parsed = await client.responses.parse({ ...bounded, input: 'Hi', tools: [zodResponsesFunction({ name: 'weather', parameters })], tool_choice: 'required' });
    expect(() => parameters.parse((parsed.output[0] as { parsed_arguments?: unknown }).parsed_arguments)).not.toThrow();
  });

  it('are refused where they are wrong', async () => {
    const bad = { ...WEATHER, parameters: { type: 'object', properties: { a: { uniqueItems: true } } } };
    expect(await refused(create({ tools: [bad] }))).toMatchObject({ status: 400, param: 'tools', error: { tool: 'weather', keyword: 'uniqueItems' } });
    expect(await refused(create({ tools: [{ type: 'web_search' }] }))).toMatchObject({ status: 400, param: 'tools[0].type' });
    expect(await refused(create({ tool_choice: 'required' }))).toMatchObject({ status: 400, param: 'tool_choice' });
  });
});

describe('a stream', () => {
  it('tells of a text: created, item, part, deltas, done, completed, numbered', async () => {
    const events = await eventsOf(GREEDY);
    const deltas = events.filter((event) => event.type === 'response.output_text.delta');
    expect(events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1])).toEqual([
      'response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta',
      'response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.incomplete',
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i));
    const text = deltas.map(({ delta }) => delta).join('');
    expect(text).toBe((await engineSays('user: Hi;<tool_call>')).text);
    expect(events.find((event) => event.type === 'response.output_text.done')).toMatchObject({ text });
    expect((events.at(-1) as { response: OpenAI.Responses.Response }).response).toMatchObject({ status: 'incomplete', usage: { output_tokens: 10 }, output: [{ content: [{ text }] }] });
  });

  it('tells of a call: item, pieces of arguments, done', async () => {
    const events = await eventsOf({ ...bounded, tool_choice: 'required' });
    expect(events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1])).toEqual([
      'response.created', 'response.in_progress', 'response.output_item.added', 'response.function_call_arguments.delta',
      'response.function_call_arguments.done', 'response.output_item.done', 'response.completed',
    ]);
    const pieces = events.filter((event) => event.type === 'response.function_call_arguments.delta').map(({ delta }) => delta);
    expect(pieces.length).toBeGreaterThan(2);
    expect(isCity(JSON.parse(pieces.join('')))).toBe(true);
    expect(events.at(-2)).toMatchObject({ item: { type: 'function_call', name: 'weather', arguments: pieces.join('') } });
  });

  it('is put together by the client’s helper', async () => {
    const City = z.object({ city: z.enum(['Rome', 'Oslo']) });
    const text = await client.responses.stream({ model: MODEL, input: 'Hi', text: { format: zodTextFormat(City, 'city') } }).finalResponse();
    expect(City.parse(text.output_parsed)).toEqual(JSON.parse(text.output_text));
    const called = await client.responses.stream({ ...bounded, input: 'Hi', tool_choice: 'required' }).finalResponse();
    expect(isCity(JSON.parse((called.output[0] as OpenAI.Responses.ResponseFunctionToolCall).arguments))).toBe(true);
  });

  it('is a status where the request is wrong', async () => {
    expect(await refused(eventsOf({ top_p: 3 }))).toMatchObject({ status: 400, param: 'top_p' });
    expect(await refused(eventsOf({ text: { format: { type: 'json_schema', name: 'x', schema: { type: 'nope' } } } }))).toMatchObject({ status: 400 });
  });
});

it('stores nothing, and says so', async () => {
  expect(await refused(create({ store: true }))).toMatchObject({ status: 400, param: 'store' });
  const linked = await refused(create({ previous_response_id: 'resp_1' }));
  expect(linked).toMatchObject({ status: 400, param: 'previous_response_id' });
  expect(linked.message).toContain('send the earlier items as input');
  expect(await refused(create({ background: true }))).toMatchObject({ status: 400, param: 'background' });
  const document = await (await fetch(`${server.url}/openapi.json`)).json() as { paths: Record<string, unknown> };
  expect(JSON.stringify(document.paths['/v1/responses'])).toContain('function_call_output');
});
