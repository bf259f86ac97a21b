// Streams whose first token is long in coming: they begin all the same, say so in comments, and every client reads past those.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import type { ServeEngine } from '../../src/serve/model-pool.ts';
import { startServer } from '../../src/serve/node/server.ts';
import type { NodeServer } from '../../src/serve/node/server.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const timings = { promptTokens: 3, cachedTokens: 0, newTokens: 2, ttftMs: 1, prefillTokensPerSecond: 1, decodeTokensPerSecond: 5, draftTokens: 0, acceptedDraftTokens: 0, droppedTokens: 0 };
/** Says two words, each after a while, unless it is asked to fail. */
const slow = {
  model: { name: 'slow', contextLength: 100, vocabSize: 10 },
  async* generate(prompt: unknown) {
    await pause(120);
    if (JSON.stringify(prompt).includes('fail')) throw new Error('the insides');
    yield { index: 0, text: 'two', ids: [1] };
    await pause(120);
    yield { index: 0, text: ' words', ids: [2], finishReason: 'stop', timings };
  },
  dispose: async () => undefined,
} as unknown as ServeEngine;
const asking = (body: object): Request => new Request('http://localhost/v1/chat/completions', {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'x' }], ...body }),
});

describe('a stream that waits', () => {
  it('begins with a comment and has one whenever nothing comes', async () => {
    const at = performance.now();
    const response = await createHandler(slow, { quietMs: 50 })(asking({}));
    expect(performance.now() - at).toBeLessThan(110);
    const text = await response.text();
    expect(text).toMatch(/^: waiting\n\n(: waiting\n\n)*data: [^]*two[^]*: waiting\n\n[^]*words[^]*data: \[DONE\]\n\n$/);
  });

  it('waits with its status for what fails soon, and has an error as its last event for what fails late', async () => {
    const late = { messages: [{ role: 'user', content: 'fail' }] };
    expect((await createHandler(slow, { quietMs: 1000 })(asking(late))).status).toBe(500);
    const ends: unknown[] = [];
    const opened = await createHandler(slow, { quietMs: 20, onRequest: (request) => ends.push(request) })(asking(late));
    expect(opened.status).toBe(200);
    expect(await opened.text()).toMatch(/^(: waiting\n\n)+data: \{"error":\{"message":"The server failed[^\n]*\n\n$/);
    expect(ends).toMatchObject([{ status: 200, isStream: true, error: new Error('the insides') }]);
    expect((await createHandler(slow, { quietMs: 0 })(asking({ temperature: 'hot' }))).status).toBe(400);
    expect((await createHandler(slow, { quietMs: 0 })(asking({ model: 'other' }))).status).toBe(404);
    expect((await createHandler(slow, { quietMs: 0, maxRequests: 0 })(asking({}))).status).toBe(429);
  });

  it('begins while its model is loaded', async () => {
    const pool = new ModelPool([{ id: 'slow', load: () => pause(100).then(() => slow) }]);
    const response = await createHandler(pool, { quietMs: 20 })(asking({}));
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^(: waiting\n\n){4,}data: [^]*\[DONE\]/);
  });
});

describe('clients read past comments', () => {
  let server: NodeServer;
  beforeAll(async () => {
    server = await startServer(new ModelPool([{ id: 'slow', load: async () => slow }]), { host: '127.0.0.1', port: 0, quietMs: 20 });
  });
  afterAll(() => server.close(100));

  it('openai’s, of both APIs', async () => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
    let text = '';
    for await (const { choices } of await client.chat.completions.create({ model: 'slow', messages: [{ role: 'user', content: 'x' }], stream: true })) {
      text += choices[0]?.delta.content ?? '';
    }
    expect(text).toBe('two words');
    const response = await client.responses.stream({ model: 'slow', input: 'x' }).finalResponse();
    expect(response.output_text).toBe('two words');
  });

  it('the AI SDK', async () => {
    const provider = createOpenAICompatible({ name: 'clawdbot', baseURL: `${server.url}/v1` });
    expect(await streamText({ model: provider('slow'), prompt: 'x' }).text).toBe('two words');
  });

  it('LangChain', async () => {
    const chat = new ChatOpenAI({ model: 'slow', apiKey: 'none', maxRetries: 0, configuration: { baseURL: `${server.url}/v1` } });
    let text = '';
    for await (const chunk of await chat.stream('x')) text += chunk.content as string;
    expect(text).toBe('two words');
  });
});
