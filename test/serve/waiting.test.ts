// Streams whose first token is long in coming: they begin all the same, say so in comments, and every client reads past those.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import type { ServeEngine } from '../../src/serve/model-pool.ts';
import { startServer } from '../../src/serve/node/server.ts';
import type { NodeServer } from '../../src/serve/node/server.ts';
import { eventStream } from '../../src/serve/requests/sse.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const timings = {
  promptTokens: 3, cachedTokens: 0, newTokens: 2, ttftMs: 1, prefillTokensPerSecond: 1, decodeTokensPerSecond: 5, draftTokens: 0,
  acceptedDraftTokens: 0, droppedTokens: 0,
};
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
    const response = await createHandler(slow, { quietMs: 50 })(asking({}));
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

describe('a stream that nobody reads', () => {
  afterEach(() => vi.useRealTimers());

  it('gives its place back', async () => {
    const handler = createHandler(slow, { stallTimeoutMs: 30 });
    await handler(asking({}));
    expect(handler.numActive).toBe(1);
    await expect.poll(() => handler.numActive).toBe(0);
  });

  it('ends once and leaves no timer behind, whatever comes after its client has gone', async () => {
    vi.useFakeTimers();
    let come!: () => void;
    const events = (async function* () {
      await new Promise<void>((resolve) => (come = resolve));
      yield {};
    })();
    const ends: unknown[] = [];
    const opening = eventStream(events, { done: true, stallMs: 1000, quietMs: 10, onCancel: () => undefined, onEnd: (...end) => ends.push(end) });
    await vi.advanceTimersByTimeAsync(10);
    const reader = (await opening).body!.getReader();
    await reader.read();
    const late = reader.read();
    await vi.advanceTimersByTimeAsync(0);
    const left = reader.cancel();
    come();
    await Promise.all([late, left]);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(ends).toEqual([[undefined, true]]);
  });

  it('may wait for ever', async () => {
    const response = await createHandler(slow, { quietMs: Infinity, stallTimeoutMs: Infinity })(asking({}));
    expect(await response.text()).toMatch(/^data: [^]*data: \[DONE\]\n\n$/);
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
