// The Vercel AI SDK's provider for OpenAI-compatible servers, as it is, against the server: texts, streams, objects and tools.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, embedMany, generateObject, generateText, isStepCount, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const MODEL = 'hermes';
const TEMPLATE = '{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}<tool_call>';
const City = z.object({ city: z.enum(['Rome', 'Oslo']), days: z.int().min(1).max(9) });
const short = { maxOutputTokens: 10, temperature: 0, maxRetries: 0 } as const;

let server: TestServer;
let provider: ReturnType<typeof createOpenAICompatible>;
let model: ReturnType<typeof provider>;
beforeAll(async () => {
  server = await tinyServer({}, { contextLength: 1024 }, [{ id: MODEL, template: TEMPLATE }]);
  provider = createOpenAICompatible({ name: 'clawdbot', baseURL: `${server.url}/v1`, includeUsage: true, supportsStructuredOutputs: true });
  model = provider(MODEL);
  await generateText({ model, prompt: 'a', ...short });
});
afterAll(() => server.close(1000));

const engineSays = async (text: string): Promise<{ text: string; numPrompt: number; numNew: number }> => {
  const [engine] = server.engines;
  const { text: said, promptIds, timings } = await engine!.complete(engine!.tokenize(text), { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 10 });
  return { text: said, numPrompt: promptIds.length, numNew: timings.newTokens };
};

describe('texts', () => {
  it('are the engine’s, whole and streamed, with usage', async () => {
    const expected = await engineSays('system: Be brief.;user: Hi;<tool_call>');
    const asked = { model, instructions: 'Be brief.', prompt: 'Hi', ...short };
    const whole = await generateText(asked);
    expect(whole.text).toBe(expected.text);
    expect(whole.usage).toMatchObject({ inputTokens: expected.numPrompt, outputTokens: expected.numNew });
    const stream = streamText(asked);
    let streamed = '';
    for await (const part of stream.textStream) streamed += part;
    expect(streamed).toBe(expected.text);
    expect(await stream.usage).toMatchObject({ inputTokens: expected.numPrompt, outputTokens: expected.numNew });
    expect(await stream.finishReason).toBe(whole.finishReason);
  });

  it('are refused with the server’s reason', async () => {
    const error: unknown = await generateText({ model, prompt: 'x '.repeat(3000), ...short }).catch((e: unknown) => e);
    expect(APICallError.isInstance(error) && error.statusCode).toBe(400);
    expect((error as Error).message).toMatch(/context holds 1024/);
  });
});

describe('objects', () => {
  it('satisfy their schema', async () => {
    const { object } = await generateObject({ model, schema: City, prompt: 'Hi', maxRetries: 0, seed: 1 });
    expect(City.parse(object)).toEqual(object);
    const { output } = await generateText({ model, output: Output.object({ schema: City }), prompt: 'Hi', maxRetries: 0, seed: 2 });
    expect(City.parse(output)).toEqual(output);
    const choice = await generateText({ model, output: Output.choice({ options: ['yes', 'no'] }), prompt: 'Hi', maxRetries: 0, seed: 3 });
    expect(['yes', 'no']).toContain(choice.output);
  });

  it('satisfy it in streams too', async () => {
    const stream = streamText({ model, output: Output.object({ schema: City }), prompt: 'Hi', maxRetries: 0, seed: 4 });
    const partial: unknown[] = [];
    for await (const part of stream.partialOutputStream) partial.push(part);
    expect(partial.length).toBeGreaterThan(0);
    expect(City.parse(await stream.output)).toEqual(partial.at(-1));
  });
});

describe('tools', () => {
  const seen: z.infer<typeof City>[] = [];
  const weather = tool({
    description: 'tells the weather', inputSchema: City,
    execute: (input) => (seen.push(input), { weather: 'sunny' }),
  });
  const asked = { prompt: 'Hi', tools: { weather }, toolChoice: 'required', maxRetries: 0, seed: 1, providerOptions: { clawdbot: { parallel_tool_calls: false } } } as const;

  it('are called as required, run, and their results come back in the next step', async () => {
    seen.length = 0;
    const result = await generateText({
      model, ...asked, stopWhen: isStepCount(2), maxOutputTokens: 100,
      prepareStep: ({ stepNumber }) => (stepNumber === 0 ? {} : { toolChoice: 'none' }),
    });
    expect(result.steps.map((step) => step.toolCalls.length)).toEqual([1, 0]);
    expect(City.parse(seen[0])).toEqual(seen[0]);
    expect(result.steps[0]!.finishReason).toBe('tool-calls');
    expect(result.steps[1]!.usage.inputTokens).toBeGreaterThan(10);
  });

  it('are called in streams, their input in pieces', async () => {
    seen.length = 0;
    const types: string[] = [];
    for await (const part of streamText({ model, ...asked, toolChoice: { type: 'tool', toolName: 'weather' } }).stream) types.push(part.type);
    expect(types).toContain('tool-input-start');
    expect(types.filter((type) => type === 'tool-input-delta').length).toBeGreaterThan(1);
    expect(types.filter((type) => type === 'tool-call')).toHaveLength(1);
    expect(types).not.toContain('error');
    expect(City.parse(seen[0])).toEqual(seen[0]);
  });
});

it('texts are embedded', async () => {
  const { embeddings } = await embedMany({ model: provider.embeddingModel(MODEL), values: ['One', 'Two'] });
  expect(embeddings).toEqual(await Promise.all(['One', 'Two'].map(async (text) => [...(await server.engines[0]!.embed(text))])));
});
