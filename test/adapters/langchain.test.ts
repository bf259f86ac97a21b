// The chat model and embeddings for LangChain.js, through LangChain itself: chains, streams, batches, tools, ends and errors.
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import type { AIMessageChunk } from '@langchain/core/messages';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { tool } from '@langchain/core/tools';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatClawdbot, ClawdbotEmbeddings } from '../../src/adapters/langchain/index.ts';
import { Engine, InvalidArgumentError } from '../../src/index.ts';
import type { GenerateOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { templatedModel } from './templated-model.ts';

/** A random model writes what the grammar leaves it no choice but to write. */
const CITY = {
  type: 'object', required: ['city', 'days'], additionalProperties: false,
  properties: { city: { enum: ['Rome', 'Oslo'] }, days: { type: 'integer', minimum: 1, maximum: 9 } },
} as const;
const CITY_ARGS = { city: expect.stringMatching(/^(Rome|Oslo)$/) as string, days: expect.any(Number) as number };

let engine: Engine;
let chat: ChatClawdbot;
beforeAll(async () => {
  engine = await Engine.load(await templatedModel(), { threads: 1, contextLength: 256 });
  chat = new ChatClawdbot({ model: engine, temperature: 0, maxTokens: 12, ignoreEos: true, maxRetries: 0 });
});
afterAll(() => engine.dispose());

/** What the engine itself says to this text. */
const answerTo = (text: string, maxTokens = 12, more: GenerateOptions = {}): ReturnType<Engine['complete']> =>
  engine.complete(engine.tokenize(text), { temperature: 0, maxTokens, ignoreEos: true, ...more });

describe('constructors', () => {
  it('refuse fields that there are not', () => {
    expect(() => new ChatClawdbot({ model: engine, maxToken: 3 } as object as { model: Engine })).toThrow(/no field "maxToken"/);
    expect(() => new ChatClawdbot({ model: engine, loadOption: {} } as object as { model: Engine })).toThrow(InvalidArgumentError);
    expect(() => new ClawdbotEmbeddings({ model: engine, pool: 'cls' } as object as { model: Engine })).toThrow(/no field "pool"/);
  });

  it("take LangChain's own", () => {
    const own = { maxConcurrency: 2, maxRetries: 1, onFailedAttempt: () => undefined };
    const model = new ChatClawdbot({ model: engine, ...own, tags: ['a'], metadata: { b: 1 }, verbose: false, cache: false, callbacks: [], outputVersion: 'v1' });
    expect(model.tags).toEqual(['a']);
    expect(new ClawdbotEmbeddings({ model: engine, ...own }).caller).toBeDefined();
  });
});

describe('a chat model', () => {
  it('answers messages through the chat template, and counts tokens', async () => {
    const answer = await chat.invoke([new SystemMessage('Be brief.'), new HumanMessage('Hello.')]);
    const expected = await answerTo('[system] Be brief.\n[user] Hello.\n');
    expect(AIMessage.isInstance(answer)).toBe(true);
    expect(answer.content).toBe(expected.text);
    expect(answer.usage_metadata).toMatchObject({ input_tokens: expected.promptIds.length, output_tokens: 12 });
    expect(answer.response_metadata).toMatchObject({ finish_reason: 'length' });
  });

  it('works in a chain, in batches, and streams the same text', async () => {
    const chain = ChatPromptTemplate.fromTemplate('Say {word}.').pipe(chat).pipe(new StringOutputParser());
    const expected = await Promise.all(['one', 'two', 'three'].map(async (word) => (await answerTo(`[user] Say ${word}.\n`)).text));
    expect(await chain.batch([{ word: 'one' }, { word: 'two' }, { word: 'three' }])).toEqual(expected);
    const parts: string[] = [];
    for await (const part of await chain.stream({ word: 'two' })) parts.push(part);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.join('')).toBe(expected[1]);
  });

  it('sums its chunks to the whole, with usage once', async () => {
    let whole: AIMessageChunk | undefined;
    const tokens: string[] = [];
    const callbacks = [{ handleLLMNewToken: (token: string) => void tokens.push(token) }];
    for await (const chunk of await chat.stream('Hello.', { callbacks })) whole = whole?.concat(chunk) ?? chunk;
    const invoked = await chat.invoke('Hello.');
    expect(whole!.content).toBe(invoked.content);
    expect(whole!.usage_metadata).toMatchObject({ output_tokens: 12, input_tokens: invoked.usage_metadata!.input_tokens });
    expect(tokens.join('')).toBe(invoked.content);
  });

  it('takes turns and calls and results of tools', async () => {
    const answer = await chat.invoke([
      new HumanMessage({ content: [{ type: 'text', text: 'One' }, { type: 'text', text: 'two' }] }),
      new AIMessage({ content: 'Wait', tool_calls: [{ id: 'c1', name: 'add', args: { a: 1 } }] }),
      new ToolMessage({ content: '2', tool_call_id: 'c1', name: 'add' }),
    ]);
    const expected = '[user] One\ntwo\n[assistant] Wait\n<call c1> add {"a": 1}\n[tool add] 2\n<result of c1>\n';
    expect(answer.content).toBe((await answerTo(expected)).text);
  });

  it('hands bound tools to the template', async () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } } } as const;
    const add = tool(() => '2', { name: 'add', description: 'adds', schema });
    const answer = await chat.bindTools([add]).invoke('Hi');
    const called = [{ type: 'function', function: { name: 'add', parameters: schema } }];
    const expected = await answerTo('[user] Hi\n<tool> add: object\n', 12, { tools: called, toolChoice: 'auto' });
    expect(answer.content).toBe(expected.text);
  });

  it('makes the model call where it must, whole and in parts, with what the tool takes', async () => {
    const weather = tool(() => 'Sunny', { name: 'weather', description: 'tells it', schema: CITY });
    const isCall = [{ type: 'tool_call', id: expect.stringMatching(/^\w+$/) as string, name: 'weather', args: CITY_ARGS }];
    for (const choice of ['any', 'required', 'weather', { type: 'function', function: { name: 'weather' } }]) {
      const calling = chat.bindTools([weather], { tool_choice: choice, parallelToolCalls: false, maxTokens: 200, ignoreEos: false });
      const answer = await calling.invoke('Hi');
      expect([answer.content, answer.tool_calls]).toEqual(['', isCall]);
      let whole: AIMessageChunk | undefined;
      for await (const chunk of await calling.stream('Hi')) whole = whole?.concat(chunk) ?? chunk;
      expect(whole!.tool_calls!.map(({ args }) => args)).toEqual(answer.tool_calls!.map(({ args }) => args));
      expect(whole!.response_metadata).toMatchObject({ finish_reason: 'tool_calls' });
    }
  });

  it('gives structured output', async () => {
    const own = new ChatClawdbot({ model: engine, temperature: 0, maxTokens: 100, maxRetries: 0 });
    expect(await own.withStructuredOutput({ title: 'weather', ...CITY }).invoke('Hi')).toEqual(CITY_ARGS);
  });

  it('knows every option of the engine', async () => {
    expect((await chat.invoke('Hi', { grammar: 'root ::= "yes" | "no"', ignoreEos: false })).content).toMatch(/^(yes|no)$/);
    const own = new ChatClawdbot({ model: engine, jsonSchema: CITY, temperature: 0, maxTokens: 100 });
    expect(JSON.parse((await own.invoke('Hi')).content as string)).toEqual(CITY_ARGS);
    await expect(chat.invoke('Hi', { contextPolicy: 'cut' as never })).rejects.toThrow(/contextPolicy/);
  });

  it('takes options with each call', async () => {
    const answer = await chat.invoke('Hello.', { maxTokens: 3 });
    expect(answer.usage_metadata!.output_tokens).toBe(3);
    const expected = (await answerTo('[user] Hello.\n')).text;
    const stop = expected.slice(4, 6);
    expect((await chat.invoke('Hello.', { stop: [stop] })).content).toBe(expected.slice(0, expected.indexOf(stop)));
    await expect(chat.invoke('Hello.', { topP: 7 })).rejects.toThrow(InvalidArgumentError);
  });

  it('ends when it is aborted', async () => {
    const controller = new AbortController();
    const callbacks = [{ handleLLMNewToken: () => controller.abort() }];
    await expect(chat.invoke('Hello.', { maxTokens: 240, signal: controller.signal, callbacks })).rejects.toThrow(/abort/i);
    expect((await chat.invoke('Hello.')).usage_metadata!.output_tokens).toBe(12);
  });

  it('refuses what is not text', async () => {
    const image = new HumanMessage({ content: [{ type: 'image_url', image_url: { url: 'data:,x' } }] });
    await expect(chat.invoke([image])).rejects.toThrow(/"image_url" is not supported/);
  });

  it('loads a model when it is first used, and frees it', async () => {
    const own = new ChatClawdbot({
      model: inRepository('test/data/arch/llama-tied.gguf'), loadOptions: { threads: 1, contextLength: 64 }, maxTokens: 2, ignoreEos: true,
    });
    expect((await own.invoke('Hi')).usage_metadata!.output_tokens).toBe(2);
    await own.dispose();
    expect(own.model).toContain('llama-tied');
  });
});

describe('embeddings', () => {
  it('are the engine\'s', async () => {
    const embeddings = new ClawdbotEmbeddings({ model: engine });
    const texts = ['One text.', 'Another text.'];
    const expected = await Promise.all(texts.map(async (text) => [...(await engine.embed(text))]));
    expect(await embeddings.embedDocuments(texts)).toEqual(expected);
    expect(await embeddings.embedQuery(texts[1]!)).toEqual(expected[1]);
    const raw = await new ClawdbotEmbeddings({ model: engine, normalize: false }).embedQuery(texts[0]!);
    expect(raw).toEqual([...(await engine.embed(texts[0]!, { normalize: false }))]);
  });
});
