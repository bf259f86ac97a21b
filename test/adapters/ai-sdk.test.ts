// The provider for the Vercel AI SDK, through the SDK itself: texts, streams, embeddings, tools, ends and errors.
import { NoSuchModelError, UnsupportedFunctionalityError } from '@ai-sdk/provider';
import { Output, embed, embedMany, generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createClawdbot } from '../../src/adapters/ai-sdk/index.ts';
import { Engine, GrammarError, InvalidArgumentError } from '../../src/index.ts';
import type { GenerateOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { templatedModel } from './templated-model.ts';

const provider = createClawdbot({ threads: 1, contextLength: 256 });
const GREEDY = { temperature: 0, maxOutputTokens: 12, maxRetries: 0, providerOptions: { clawdbot: { ignoreEos: true } } } as const;
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
/** What it says where it may call tools and does not: any text, but no bytes that are none. */
const ANY_TEXT = { grammar: 'root ::= .*' };

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
    expect(await ask('auto')).toBe((await answerTo('[user] Hi\n<tool> add: object\n<tool> sub: object\n', 12, ANY_TEXT)).text);
    expect(await ask('none')).toBe((await answerTo('[user] Hi\n')).text);
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
    const abortSignal = AbortSignal.timeout(30);
    await expect(generateText({ model, prompt: 'Hi', ...ENDLESS, maxOutputTokens: 240, abortSignal })).rejects.toThrow(/timeout|abort/i);
    expect((await generateText({ model, prompt: 'Hi', ...GREEDY })).finishReason).toBe('length');
  });
});

const City = z.object({ city: z.enum(['Rome', 'Oslo']), days: z.int().min(1).max(9) });
const ONE_CALL = { clawdbot: { parallelToolCalls: false } };

describe('objects', () => {
  it('satisfy their schema, whole and in streams', async () => {
    const { output, warnings } = await generateText({ model, output: Output.object({ schema: City }), prompt: 'Hi', seed: 1, maxRetries: 0 });
    expect(City.parse(output)).toEqual(output);
    expect(warnings ?? []).toEqual([]);
    const stream = streamText({ model, output: Output.object({ schema: City }), prompt: 'Hi', seed: 2, maxRetries: 0 });
    await stream.consumeStream();
    expect(City.parse(await stream.output)).toEqual(await stream.output);
    const choice = await generateText({ model, output: Output.choice({ options: ['yes', 'no'] }), prompt: 'Hi', seed: 3, maxRetries: 0 });
    expect(['yes', 'no']).toContain(choice.output);
  });

  it('are JSON without a schema, and refused with one that cannot be enforced', async () => {
    const json = await generateText({ model, output: Output.json(), prompt: 'Hi', maxOutputTokens: 20, temperature: 0, maxRetries: 0 }).then(({ text }) => text, (error: { text?: string }) => error.text);
    expect(json).toMatch(/^\{/);
    const schema = jsonSchema({ type: 'object', properties: { a: { type: 'array', uniqueItems: true } } });
    await expect(generateText({ model, output: Output.object({ schema }), prompt: 'Hi', maxRetries: 0 })).rejects.toThrow(GrammarError);
  });
});

describe('tools', () => {
  const seen: unknown[] = [];
  const weather = tool({ inputSchema: City, execute: (input) => (seen.push(input), 'Sunny') });
  const now = tool({ inputSchema: z.object({}), execute: () => 'Noon' });
  const asked = { prompt: 'Hi', tools: { weather, now }, maxRetries: 0, providerOptions: ONE_CALL, seed: 1 };

  it('are called where they must be, and their results come back', async () => {
    seen.length = 0;
    const result = await generateText({
      model, ...asked, toolChoice: { type: 'tool', toolName: 'weather' }, stopWhen: isStepCount(2),
      prepareStep: ({ stepNumber }) => (stepNumber === 0 ? {} : { toolChoice: 'none', maxOutputTokens: 4 } as const),
    });
    expect(result.steps[0]!.finishReason).toBe('tool-calls');
    const [call] = result.steps[0]!.toolCalls;
    expect(call).toMatchObject({ toolName: 'weather', input: seen[0] });
    expect(City.parse(seen[0])).toEqual(seen[0]);
    const said = await engine.promptIds([{ role: 'user', content: 'Hi' }, {
      role: 'assistant', content: '', tool_calls: [{ id: call!.toolCallId, type: 'function', function: { name: 'weather', arguments: seen[0] as Record<string, unknown> } }],
    }, { role: 'tool', tool_call_id: call!.toolCallId, name: 'weather', content: 'Sunny' }]);
    expect(result.steps[1]!.usage.inputTokens).toBe(said.length);
  });

  it('stream their input, then the call', async () => {
    const parts: { type: string; delta?: string }[] = [];
    for await (const part of streamText({ model, ...asked, toolChoice: 'required' }).stream) parts.push(part as { type: string });
    const types = parts.map(({ type }) => type).filter((type) => type.startsWith('tool') || type === 'error');
    expect(types.filter((type, i) => type !== types[i - 1])).toEqual(['tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call', 'tool-result']);
    const call = parts.find(({ type }) => type === 'tool-call') as unknown as { input: unknown };
    expect(JSON.parse(parts.flatMap(({ type, delta }) => (type === 'tool-input-delta' ? [delta] : [])).join(''))).toEqual(call.input);
    expect(parts.some(({ type }) => type.startsWith('text'))).toBe(false);
  });

  it('are not called where the call was cut off', async () => {
    const cut = {
      prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hi' }] }], maxOutputTokens: 45, providerOptions: ONE_CALL,
      tools: [{ type: 'function' as const, name: 'weather', inputSchema: { type: 'object' as const, properties: { text: { type: 'string' as const, minLength: 99 } }, required: ['text'] } }],
      toolChoice: { type: 'required' as const },
    };
    const { content, finishReason } = await model.doGenerate(cut);
    expect([content, finishReason.unified]).toEqual([[], 'length']);
    const types: string[] = [];
    for await (const { type } of (await model.doStream(cut)).stream as unknown as AsyncIterable<{ type: string }>) types.push(type);
    expect(types).toContain('tool-input-start');
    expect(types.slice(-2)).toEqual(['tool-input-end', 'finish']);
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
