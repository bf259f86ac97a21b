// LangChain's ChatOpenAI and OpenAIEmbeddings, as they are, against the server: texts, streams, structured output and tools.
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import type { AIMessageChunk } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const MODEL = 'hermes';
const TEMPLATE = '{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}<{{ c.function.name }} {{ c.function.arguments.city }}>{% endfor %};{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}<tool_call>';
const City = z.object({ city: z.enum(['Rome', 'Oslo']), days: z.int().min(1).max(9) });

let server: TestServer;
let chat: ChatOpenAI;
const chatOf = (more: object = {}): ChatOpenAI => new ChatOpenAI({
  model: MODEL, apiKey: 'none', configuration: { baseURL: `${server.url}/v1` }, temperature: 0, maxRetries: 0, ...more,
});
beforeAll(async () => {
  server = await tinyServer({}, { contextLength: 1024 }, [{ id: MODEL, template: TEMPLATE }]);
  chat = chatOf({ maxTokens: 10 });
  await chat.invoke('a');
});
afterAll(() => server.close(1000));

const engineSays = async (text: string): Promise<string> => {
  const [engine] = server.engines;
  return (await engine!.complete(engine!.tokenize(text), { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 10 })).text;
};

describe('ChatOpenAI', () => {
  it('answers, in batches and in streams, with usage', async () => {
    const expected = await engineSays('system: Be brief.;user: Hi;<tool_call>');
    const messages = [new SystemMessage('Be brief.'), new HumanMessage('Hi')];
    expect((await chat.invoke(messages)).content).toBe(expected);
    expect((await chat.batch([messages, messages])).map(({ content }) => content)).toEqual([expected, expected]);
    let whole: AIMessageChunk | undefined;
    for await (const chunk of await chat.stream(messages)) whole = whole?.concat(chunk) ?? chunk;
    expect(whole!.content).toBe(expected);
    expect(whole!.usage_metadata!.input_tokens).toBe(server.engines[0]!.tokenize('system: Be brief.;user: Hi;<tool_call>').length);
  });

  it('has structured output, by schema and by call', async () => {
    for (const method of ['jsonSchema', 'functionCalling'] as const) {
      const structured = chatOf({ temperature: 1, modelKwargs: { seed: 1, parallel_tool_calls: method === 'functionCalling' ? false : undefined } })
        .withStructuredOutput(City, { name: 'city', method });
      const found = await structured.invoke('Hi');
      expect(City.parse(found)).toEqual(found);
    }
  });

  it('calls bound tools, whole and in streams, and takes their results', async () => {
    const weather = tool(() => 'Sunny', { name: 'weather', description: 'tells it', schema: City });
    const bound = chatOf({ temperature: 1 }).bindTools([weather], { tool_choice: 'weather', parallel_tool_calls: false });
    const answer = await bound.invoke('Hi');
    expect(answer.tool_calls).toMatchObject([{ name: 'weather', type: 'tool_call', id: expect.any(String) as string }]);
    expect(City.parse(answer.tool_calls![0]!.args)).toEqual(answer.tool_calls![0]!.args);
    let whole: AIMessageChunk | undefined;
    let numPieces = 0;
    for await (const chunk of await bound.stream('Hi')) {
      numPieces += chunk.tool_call_chunks?.length ?? 0;
      whole = whole?.concat(chunk) ?? chunk;
    }
    expect(numPieces).toBeGreaterThan(2);
    expect(City.parse(whole!.tool_calls![0]!.args)).toEqual(whole!.tool_calls![0]!.args);
    const result = await weather.invoke(answer.tool_calls![0]!);
    expect(ToolMessage.isInstance(result)).toBe(true);
    const { city } = answer.tool_calls![0]!.args as z.infer<typeof City>;
    const followed = await chat.invoke([new HumanMessage('Hi'), new AIMessage({ content: '', tool_calls: answer.tool_calls }), result as ToolMessage]);
    expect(followed.content).toBe(await engineSays(`user: Hi;assistant: <weather ${city}>;tool: Sunny;<tool_call>`));
  });

  it('speaks /v1/responses as well', async () => {
    const viaResponses = chatOf({ maxTokens: 10, useResponsesApi: true });
    const expected = await engineSays('user: Hi;<tool_call>');
    expect((await viaResponses.invoke('Hi')).text).toBe(expected);
    let streamed = '';
    for await (const chunk of await viaResponses.stream('Hi')) streamed += chunk.text;
    expect(streamed).toBe(expected);
    const weather = tool(() => 'Sunny', { name: 'weather', description: 'tells it', schema: City });
    const bound = chatOf({ temperature: 1, useResponsesApi: true }).bindTools([weather], { tool_choice: 'weather', parallel_tool_calls: false });
    const answer = await bound.invoke('Hi');
    expect(City.parse(answer.tool_calls![0]!.args)).toEqual(answer.tool_calls![0]!.args);
    const followed = await viaResponses.invoke([new HumanMessage('Hi'), answer, await weather.invoke(answer.tool_calls![0]!) as ToolMessage]);
    const { city } = answer.tool_calls![0]!.args as z.infer<typeof City>;
    expect(followed.text).toBe(await engineSays(`user: Hi;assistant: <weather ${city}>;tool: Sunny;<tool_call>`));
  });

  it('hears the server’s reason', async () => {
    await expect(chatOf({ topP: 3 }).invoke('Hi')).rejects.toMatchObject({ status: 400, param: 'top_p' });
  });
});

it('OpenAIEmbeddings are the engine’s', async () => {
  const embeddings = new OpenAIEmbeddings({ model: MODEL, apiKey: 'none', configuration: { baseURL: `${server.url}/v1` }, maxRetries: 0 });
  const expected = await Promise.all(['One', 'Two'].map(async (text) => [...(await server.engines[0]!.embed(text))]));
  expect((await embeddings.embedDocuments(['One', 'Two'])).map((vector) => [...vector])).toEqual(expected);
});
