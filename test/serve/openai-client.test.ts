// The official openai client, as it is, against the server; answers are held to what the engine says by itself.
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateOptions } from '../../src/index.ts';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const MODEL = 'llama-tied';
const MESSAGES = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Name a fruit.' }] as const;
const GREEDY: GenerateOptions = { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 12 };

let server: TestServer;
let client: OpenAI;

beforeAll(async () => {
  server = await tinyServer({ version: '1.2.3' });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  await client.completions.create({ model: MODEL, prompt: 'a', max_tokens: 1 });
});
afterAll(() => server.close(1000));

const engineSays = (prompt: string | typeof MESSAGES, options: GenerateOptions = {}): Promise<{ text: string }> =>
  server.engines[0]!.complete(prompt as never, { ...GREEDY, ...options });

describe('chat completions', () => {
  it('answer with the engine’s text and count its tokens', async () => {
    const { text, promptIds, ids, finishReason } = await server.engines[0]!.complete([...MESSAGES], GREEDY);
    const answer = await client.chat.completions.create({ model: MODEL, messages: [...MESSAGES], temperature: 0, max_completion_tokens: 12 });
    expect(answer.choices).toMatchObject([{ index: 0, finish_reason: finishReason, message: { role: 'assistant', content: text } }]);
    expect(answer.usage).toMatchObject({
      prompt_tokens: promptIds.length, completion_tokens: ids.length, total_tokens: promptIds.length + ids.length,
    });
  });

  it('stream the same text, with usage where it is asked for', async () => {
    const { text } = await engineSays(MESSAGES);
    const stream = await client.chat.completions.create({
      model: MODEL, messages: [...MESSAGES], temperature: 0, max_tokens: 12, stream: true, stream_options: { include_usage: true },
    });
    let streamed = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    const reasons: unknown[] = [];
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.delta.content ?? '';
      if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason);
      usage ??= chunk.usage;
    }
    expect(streamed).toBe(text);
    expect(reasons).toEqual(['length']);
    expect(usage?.completion_tokens).toBe(12);
  });

  it('give n choices with log-probabilities, the same for the same seed', async () => {
    const ask = () => client.chat.completions.create({
      model: MODEL, messages: [...MESSAGES], n: 3, seed: 5, max_tokens: 6, logprobs: true, top_logprobs: 2,
    });
    const [one, other] = [await ask(), await ask()];
    expect(one.choices.map(({ message }) => message.content)).toEqual(other.choices.map(({ message }) => message.content));
    expect(one.choices).toHaveLength(3);
    for (const { logprobs } of one.choices) {
      expect(logprobs!.content!.length).toBeGreaterThan(0);
      for (const token of logprobs!.content!) {
        expect(token.logprob).toBeLessThanOrEqual(0);
        expect(token.top_logprobs).toHaveLength(2);
      }
    }
  });

  it('give each token’s bytes, also of a token that is part of a character', async () => {
    const { tokenizer } = server.engines[0]!;
    const part = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).find((id) => tokenizer.tokenBytes(id)[0]! >= 0xc3)!;
    const { choices: [choice] } = await client.chat.completions.create({
      model: MODEL, messages: [...MESSAGES], max_tokens: 2, logprobs: true, top_logprobs: 1, logit_bias: { [part]: 100 },
    });
    const bytes = [...tokenizer.tokenBytes(part)];
    expect(choice!.logprobs!.content).toMatchObject([{ token: '\ufffd', bytes }, { token: '\ufffd', bytes }]);
  });

  it('obey a bias and stop strings', async () => {
    const { text } = await engineSays(MESSAGES);
    const answer = await client.chat.completions.create({
      model: MODEL, messages: [...MESSAGES], temperature: 0, max_tokens: 12, stop: [text.slice(3, 6)],
    });
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: text.slice(0, text.indexOf(text.slice(3, 6))) } });
    const biased = await client.chat.completions.create({
      model: MODEL, messages: [...MESSAGES], temperature: 0, max_tokens: 3, logit_bias: { 100: 100 },
    });
    expect(biased.choices[0]!.message.content).toBe(server.engines[0]!.detokenize([100, 100, 100]));
  });

  it('refuse what they cannot guarantee, naming the parameter', async () => {
    const base = { model: MODEL, messages: [...MESSAGES] };
    await expect(client.chat.completions.create({ ...base, temprature: 1 } as never))
      .rejects.toMatchObject({ status: 400, param: 'temprature', code: 'unknown_parameter' });
    await expect(client.completions.create({ model: MODEL, prompt: Array<string>(4).fill('a'), n: 16, logprobs: 20, max_tokens: 400 }))
      .rejects.toMatchObject({ status: 400, param: 'max_tokens', code: 'too_many_logprobs' });
    await expect(client.chat.completions.create({ ...base, top_logprobs: 2 })).rejects.toMatchObject({ status: 400, param: 'top_logprobs' });
    await expect(client.chat.completions.create({ ...base, max_tokens: 2, max_completion_tokens: 3 })).rejects.toMatchObject({ status: 400, param: 'max_tokens' });
    await expect(client.completions.create({ model: MODEL, prompt: Array<string>(16).fill('a'), n: 5 })).rejects.toMatchObject({ status: 400, param: 'n' });
  });

  it('say both counts where the prompt is too long', async () => {
    const { contextLength } = server.engines[0]!.model;
    const content = 'long '.repeat(contextLength);
    const error = await client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] }).catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 400, type: 'exceed_context_size_error', error: { n_ctx: contextLength } });
    expect((error as { error: { n_prompt_tokens: number } }).error.n_prompt_tokens).toBeGreaterThan(contextLength);
  });
});

describe('other endpoints', () => {
  it('continue several prompts, whole and as a stream', async () => {
    const texts = await Promise.all(['one', 'two'].map(async (prompt) => (await engineSays(prompt)).text));
    const asked = { model: MODEL, prompt: ['one', 'two'], temperature: 0, max_tokens: 12 };
    const whole = await client.completions.create(asked);
    expect(whole.choices.map(({ text }) => text)).toEqual(texts);
    const streamed = ['', ''];
    for await (const { choices } of await client.completions.create({ ...asked, stream: true })) streamed[choices[0]!.index] += choices[0]!.text;
    expect(streamed).toEqual(texts);
    const usages: unknown[] = [];
    for await (const { usage } of await client.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } })) usages.push(usage);
    expect(usages.slice(0, -1).every((usage) => usage === null)).toBe(true);
    expect(usages.at(-1)).toMatchObject({ completion_tokens: 24 });
  });

  it('embed texts, in base64 as the client asks by default and as numbers', async () => {
    const expected = await server.engines[0]!.embed('hello');
    const byDefault = await client.embeddings.create({ model: MODEL, input: ['hello', 'world'] });
    expect(byDefault.data).toHaveLength(2);
    expect(Float32Array.from(byDefault.data[0]!.embedding)).toEqual(expected);
    const numbers = await client.embeddings.create({ model: MODEL, input: 'hello', encoding_format: 'float' });
    expect(Float32Array.from(numbers.data[0]!.embedding)).toEqual(expected);
    await expect(client.embeddings.create({ model: MODEL, input: 'x', dimensions: 3 })).rejects.toMatchObject({ status: 400, param: 'dimensions' });
  });

  it('list the models and know no others', async () => {
    expect((await client.models.list()).data).toMatchObject([{ id: MODEL, object: 'model' }]);
    expect(await client.models.retrieve(MODEL)).toMatchObject({ id: MODEL });
    await expect(client.completions.create({ model: 'gpt-5', prompt: 'x' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('rank documents by likeness', async () => {
    const response = await fetch(`${server.url}/v1/rerank`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: MODEL, query: 'hello', documents: ['something else', 'hello'], top_n: 1, return_documents: true }),
    });
    const { results } = await response.json() as { results: { index: number; relevance_score: number; document: object }[] };
    expect(results).toMatchObject([{ index: 1, document: { text: 'hello' } }]);
    expect(results[0]!.relevance_score).toBeCloseTo(1, 5);
  });

  it('tokenize there and back', async () => {
    const post = async (path: string, body: object): Promise<Record<string, unknown>> => (await fetch(server.url + path, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    })).json() as Promise<Record<string, unknown>>;
    const { tokens } = await post('/tokenize', { content: 'Hello there' });
    expect(tokens).toEqual(server.engines[0]!.tokenize('Hello there', { addSpecial: false }));
    expect(await post('/detokenize', { tokens })).toEqual({ content: server.engines[0]!.detokenize(tokens as number[]) });
  });

  it('describe themselves', async () => {
    const document = await (await fetch(`${server.url}/openapi.json`)).json() as { info: object; paths: Record<string, object> };
    expect(document.info).toMatchObject({ version: '1.2.3' });
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/v1/chat/completions', '/v1/models', '/v1/models/{id}', '/health']));
    const schema = JSON.stringify(document.paths['/v1/chat/completions']);
    expect(schema).toContain('max_completion_tokens');
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/clawdbot_requests_total\{path="\/v1\/chat\/completions",status="200"\} [1-9]/);
  });
});
