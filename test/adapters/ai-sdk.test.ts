// The provider for the Vercel AI SDK, through the SDK itself: texts, streams, embeddings, tools, ends and errors.
import { NoSuchModelError, UnsupportedFunctionalityError } from '@ai-sdk/provider';
import { Output, embed, embedMany, generateText, jsonSchema, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClawdbot } from '../../src/adapters/ai-sdk/index.ts';
import { Engine, GrammarError, InvalidArgumentError } from '../../src/index.ts';
import type { GenerateOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { templatedModel } from './templated-model.ts';

const provider = createClawdbot({ threads: 1, contextLength: 256 });
const GREEDY = { temperature: 0, maxOutputTokens: 12, maxRetries: 0, providerOptions: { clawdbot: { ignoreEos: true } } } as const;
/** A random model writes what the grammar leaves it no choice but to write. */
const CITY = jsonSchema<{ city: string; days: number }>({
  type: 'object', required: ['city', 'days'], additionalProperties: false,
  properties: { city: { enum: ['Rome', 'Oslo'] }, days: { type: 'integer', minimum: 1, maximum: 9 } },
});
const CITY_INPUT = { city: expect.stringMatching(/^(Rome|Oslo)$/) as string, days: expect.any(Number) as number };
const TOOLS = { weather: tool({ inputSchema: CITY }) };
const CALLING = { temperature: 0, maxOutputTokens: 200, maxRetries: 0, providerOptions: { clawdbot: { parallelToolCalls: false } } } as const;
const ENDLESS = { ...GREEDY, maxOutputTokens: 200 };

let engine: Engine;
let model: ReturnType<typeof provider>;
beforeAll(async () => {
  engine = await Engine.load(await templatedModel(), { threads: 1, contextLength: 256 });
  model = provider(engine);
});
afterAll(() => Promise.all([engine.dispose(), provider.dispose()]));

/** What the engine itself says to this text. */
const answerTo = (text: string, maxTokens = 12, more: GenerateOptions = {}): ReturnType<Engine['complete']> =>
  engine.complete(engine.tokenize(text), { temperature: 0, maxTokens, ignoreEos: true, ...more });

describe('generateText', () => {
  it('answers a prompt through the chat template, and counts tokens', async () => {
    const result = await generateText({ model, instructions: 'Be brief.', prompt: 'Hello.', ...GREEDY });
    const expected = await answerTo('[system] Be brief.\n[user] Hello.\n');
    expect(result.text).toBe(expected.text);
    expect(result.text.length).toBeGreaterThan(0);
    expect(result.finishReason).toBe('length');
    expect(result.usage).toMatchObject({ inputTokens: expected.promptIds.length, outputTokens: 12 });
    expect(result.warnings ?? []).toEqual([]);
  });

  it('takes turns, reasoning, and calls and results of tools', async () => {
    const { text } = await generateText({
      model, ...GREEDY,
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'One' }, { type: 'text', text: 'two' }] },
        { role: 'assistant', content: [
          { type: 'reasoning', text: 'Hm.' }, { type: 'text', text: 'Wait' },
          { type: 'tool-call', toolCallId: 'c1', toolName: 'add', input: { a: 1 } },
        ] },
        { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c1', toolName: 'add', output: { type: 'json', value: [2] } }] },
      ],
    });
    const expected = '[user] One\ntwo\n[assistant] Wait\n<thought>Hm.\n<call c1> add {"a": 1}\n[tool add] [2]\n<result of c1>\n';
    expect(text).toBe((await answerTo(expected)).text);
  });

  it('hands tools to the template, but for those that the choice excludes', async () => {
    const parameters = jsonSchema<{ a: number }>({ type: 'object', properties: { a: { type: 'number' } } });
    const tools = { add: tool({ description: 'adds', inputSchema: parameters }), sub: tool({ inputSchema: parameters }) };
    const ask = async (toolChoice: 'auto' | 'none'): Promise<string> =>
      (await generateText({ model, prompt: 'Hi', tools, toolChoice, ...GREEDY })).text;
    const called = ['add', 'sub'].map((name) => ({ type: 'function', function: { name, parameters: parameters.jsonSchema } }));
    const expected = await answerTo('[user] Hi\n<tool> add: object\n<tool> sub: object\n', 12, { tools: called, toolChoice: 'auto' });
    expect(await ask('auto')).toBe(expected.text);
    expect(await ask('none')).toBe((await answerTo('[user] Hi\n')).text);
  });

  it('makes the model call where it must, with what the tool takes', async () => {
    for (const toolChoice of ['required', { type: 'tool', toolName: 'weather' }] as const) {
      const { toolCalls, text, finishReason, warnings } = await generateText({ model, prompt: 'Hi', tools: TOOLS, toolChoice, ...CALLING });
      expect([text, finishReason, warnings ?? []]).toEqual(['', 'tool-calls', []]);
      expect(toolCalls).toEqual([{ type: 'tool-call', toolCallId: expect.stringMatching(/^\w+$/) as string, toolName: 'weather', input: CITY_INPUT }]);
    }
  });

  it('gives objects that satisfy a schema, and JSON where there is none', async () => {
    const { output } = await generateText({ model, prompt: 'Hi', output: Output.object({ schema: CITY }), ...CALLING });
    expect(output).toEqual(CITY_INPUT);
    const prompt = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] as never;
    const { content } = await model.doGenerate({ prompt, responseFormat: { type: 'json' }, temperature: 0, maxOutputTokens: 4 });
    expect(content).toEqual([{ type: 'text', text: expect.stringMatching(/^\s*\{/) as string }]);
    await expect(model.doGenerate({ prompt, responseFormat: { type: 'json', schema: { uniqueItems: true } } })).rejects.toThrow(GrammarError);
  });

  it('passes on seeds, stop sequences, reasoning and options of its own', async () => {
    const seen = vi.spyOn(engine, 'complete');
    await generateText({
      model, prompt: 'Hi', maxRetries: 0, maxOutputTokens: 3, temperature: 0.5, topP: 0.8, topK: 7, seed: 3, presencePenalty: 0.1,
      frequencyPenalty: 0.2, stopSequences: ['zz'], reasoning: 'none', providerOptions: { clawdbot: { minP: 0.2, temperature: 1 } },
    });
    expect(seen.mock.calls[0]![1]).toMatchObject({
      maxTokens: 3, temperature: 0.5, topP: 0.8, topK: 7, seed: 3, presencePenalty: 0.1, frequencyPenalty: 0.2, stop: ['zz'],
      minP: 0.2, templateOptions: { enable_thinking: false },
    });
    seen.mockRestore();
  });

  it('refuses images, with the reason', async () => {
    const content = [{ type: 'file', mediaType: 'image/png', data: new Uint8Array([137, 80, 78, 71]) }] as never;
    await expect(generateText({ model, messages: [{ role: 'user', content }], ...GREEDY })).rejects.toThrow(/file \(image\/png\)/);
    const call = { prompt: [{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: {} }] }] } as never;
    await expect(model.doGenerate(call)).rejects.toThrow(UnsupportedFunctionalityError);
  });

  it('refuses what the engine refuses', async () => {
    await expect(generateText({ model, prompt: 'Hi', ...GREEDY, topP: 7 })).rejects.toThrow(InvalidArgumentError);
    const options = { ...GREEDY, providerOptions: { clawdbot: { minp: 1 } } };
    await expect(generateText({ model, prompt: 'Hi', ...options })).rejects.toThrow(/minp/);
  });

  it('ends when it is aborted', async () => {
    const abortSignal = AbortSignal.timeout(2);
    await expect(generateText({ model, prompt: 'Hi', ...ENDLESS, maxOutputTokens: 240, abortSignal })).rejects.toThrow(/timeout|abort/i);
    expect((await generateText({ model, prompt: 'Hi', ...GREEDY })).finishReason).toBe('length');
  });
});

describe('streamText', () => {
  it('gives the same text in parts, then usage and reason', async () => {
    const result = streamText({ model, prompt: 'Hello.', ...ENDLESS });
    const parts: string[] = [];
    for await (const part of result.textStream) parts.push(part);
    expect(parts.length).toBeGreaterThan(3);
    const expected = await answerTo('[user] Hello.\n', 200);
    expect(parts.join('')).toBe(expected.text);
    expect(await result.finishReason).toBe('length');
    expect(await result.usage).toMatchObject({ inputTokens: expected.promptIds.length, outputTokens: 200 });
  });

  it('gives calls in parts: name first, then what is given to the tool', async () => {
    const result = streamText({ model, prompt: 'Hi', tools: TOOLS, toolChoice: 'required', ...CALLING });
    const parts: { type: string; delta?: string }[] = [];
    for await (const part of result.stream) parts.push(part as never);
    const types = parts.map(({ type }) => type).filter((type) => /^(text|tool)-/.test(type));
    expect([types[0], ...new Set(types)]).toEqual(['tool-input-start', 'tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call']);
    const written = parts.filter(({ type }) => type === 'tool-input-delta').map(({ delta }) => delta).join('');
    expect(JSON.parse(written)).toEqual(CITY_INPUT);
    expect((await result.toolCalls).map(({ input }) => input)).toEqual([JSON.parse(written)]);
    expect(await result.finishReason).toBe('tool-calls');
  });

  it('stops computing where it is left or aborted', async () => {
    const controller = new AbortController();
    const types: string[] = [];
    const { stream } = streamText({ model, prompt: 'Hello.', ...ENDLESS, abortSignal: controller.signal });
    for await (const part of stream) {
      types.push(part.type);
      if (part.type === 'text-delta') controller.abort();
    }
    expect(types.at(-1)).toBe('abort');
    const raw = await model.doStream({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] });
    const reader = raw.stream.getReader();
    for (let i = 0; i < 4; i++) await reader.read();
    await reader.cancel();
    expect((await answerTo('x')).ids).toHaveLength(12);
  });

  it('says what is wrong', async () => {
    const errors: unknown[] = [];
    const result = streamText({ model, prompt: 'Hi', ...GREEDY, topP: 7, onError: ({ error }) => errors.push(error) });
    await result.consumeStream();
    expect(errors).toEqual([expect.any(InvalidArgumentError)]);
  });
});

describe('embedMany', () => {
  it('gives the engine\'s embeddings and counts tokens', async () => {
    const embeddings = provider.embeddingModel(engine);
    const values = ['One text.', 'Another text.'];
    const many = await embedMany({ model: embeddings, values });
    const expected = await Promise.all(values.map(async (value) => [...(await engine.embed(value))]));
    expect(many.embeddings).toEqual(expected);
    expect(many.usage.tokens).toBe(values.reduce((sum, value) => sum + engine.tokenize(value).length, 0));
    expect((await embed({ model: embeddings, value: values[0]! })).embedding).toEqual(expected[0]);
  });
});

describe('a provider', () => {
  it('loads a model when it is first used, once, and tries again after a failure', async () => {
    const load = vi.spyOn(Engine, 'load');
    const own = createClawdbot({ threads: 1, contextLength: 128 });
    const named = own(inRepository('test/data/arch/llama-tied.gguf'));
    expect(load).not.toHaveBeenCalled();
    await Promise.all([generateText({ model: named, prompt: 'Hi', ...GREEDY }), generateText({ model: named, prompt: 'Ho', ...GREEDY })]);
    expect(load).toHaveBeenCalledTimes(1);
    const missing = own('./no-such-file.gguf');
    await expect(generateText({ model: missing, prompt: 'Hi', ...GREEDY })).rejects.toThrow(/no-such-file/);
    await expect(generateText({ model: missing, prompt: 'Hi', ...GREEDY })).rejects.toThrow(/no-such-file/);
    expect(load).toHaveBeenCalledTimes(3);
    await own.dispose();
    expect(named.modelId).toContain('llama-tied');
    load.mockRestore();
  });

  it('has no image models', () => {
    expect(() => provider.imageModel('x')).toThrow(NoSuchModelError);
  });
});
