// The fields of requests: what each comes to in the engine, by OpenAI's names and llama.cpp's, and what is said of those that are wrong.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { createHandler } from '../../src/serve/handler.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import type { ServeEngine } from '../../src/serve/model-pool.ts';
import type { GenerateOptions } from '../../src/index.ts';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const TEMPLATE = '{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}{% if enable_thinking is defined %}think {{ enable_thinking }} {{ reasoning_effort }};{% endif %}';
const MESSAGES = [{ role: 'user', content: 'Hi' }];
const VOCAB = ['a', 'b:', '\n', ': "', '"'];

/** What the engine is asked, by an engine that answers nothing. */
let asked: GenerateOptions = {};
const timings = {
  promptTokens: 3, cachedTokens: 0, newTokens: 2, ttftMs: 1, prefillTokensPerSecond: 1, decodeTokensPerSecond: 5, draftTokens: 0,
  acceptedDraftTokens: 0, droppedTokens: 0,
};
const listening = {
  model: { name: 'model', contextLength: 100, vocabSize: VOCAB.length, hiddenSize: 4 },
  tokenizer: { vocabSize: VOCAB.length, tokenText: (id: number) => VOCAB[id]! },
  async* generate(_prompt: unknown, { signal: _, ...options }: GenerateOptions) {
    asked = JSON.parse(JSON.stringify(options)) as GenerateOptions;
    yield { index: 0, text: '', ids: [], finishReason: 'stop', timings };
  },
} as unknown as ServeEngine;
const handler = createHandler(listening);

type Answer = Record<string, unknown> & { readonly error: { readonly message: string; readonly param: string | null; readonly code: string | null } };
async function post(path: string, body: object, answer: (request: Request) => Promise<Response> = handler): Promise<Answer & { status: number }> {
  const response = await answer(new Request(`http://localhost${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }));
  return { ...await response.json() as Answer, status: response.status };
}
async function optionsFor(path: string, body: object, answer?: typeof handler): Promise<GenerateOptions> {
  expect(await post(path, body, answer)).toMatchObject({ status: 200 });
  return asked;
}
const chat = (more: object): Promise<GenerateOptions> => optionsFor('/v1/chat/completions', { messages: MESSAGES, ...more });

describe('sampling', () => {
  it('is the engine’s own where a request says nothing, or the server’s defaults', async () => {
    expect(await chat({})).toEqual({ n: 1, templateOptions: {} });
    const defaulted = createHandler(listening, { defaults: { temperature: 0.3, topK: 5 } });
    const body = { messages: MESSAGES, top_k: 7, temperature: null };
    expect(await optionsFor('/v1/chat/completions', body, defaulted)).toMatchObject({ temperature: 0.3, topK: 7 });
    expect(await post('/v1/responses', { input: 'x' }, defaulted)).toMatchObject({ temperature: 0.3, top_p: 0.95 });
    expect(() => createHandler(listening, { defaults: { temperature: -1 } })).toThrow(/temperature must be/);
  });

  it.each(['/v1/chat/completions', '/v1/completions', '/v1/responses'])('has llama.cpp’s names at %s', async (path) => {
    const subject = { '/v1/chat/completions': { messages: MESSAGES }, '/v1/completions': { prompt: 'x' }, '/v1/responses': { input: 'x' } }[path];
    expect(await optionsFor(path, {
      ...subject, temperature: 0.5, top_k: 3, top_p: 0.5, min_p: 0.1, typical_p: 0.9, repeat_penalty: 1.1, repeat_last_n: 32, presence_penalty: 1,
      frequency_penalty: 0.5, xtc_probability: 0.2, xtc_threshold: 0.3, dry_multiplier: 0.8, dry_base: 1.5, dry_allowed_length: 3,
      dry_penalty_last_n: 99, dry_sequence_breakers: ['\n', ':'], mirostat: 2, mirostat_tau: 4, mirostat_eta: 0.2, seed: 2 ** 32 + 5,
      logit_bias: { 3: -1 }, ignore_eos: true,
    })).toMatchObject({
      temperature: 0.5, topK: 3, topP: 0.5, minP: 0.1, typicalP: 0.9, repetitionPenalty: 1.1, penaltyLastN: 32, presencePenalty: 1,
      frequencyPenalty: 0.5, xtcProbability: 0.2, xtcThreshold: 0.3, dryMultiplier: 0.8, dryBase: 1.5, dryAllowedLength: 3,
      dryPenaltyLastN: 99, drySequenceBreakers: [2, 1, 3], mirostat: 2, mirostatTau: 4, mirostatEta: 0.2, seed: 5, logitBias: { 3: -1 }, ignoreEos: true,
    });
  });

  it('takes any seed that a number holds, and -1 for a random one', async () => {
    expect((await chat({ seed: -1 })).seed).toBeUndefined();
    expect((await chat({ seed: Number.MAX_SAFE_INTEGER })).seed).toBe(2 ** 32 - 1);
  });

  it('is greedy with top_p 0', async () => {
    for (const more of [{}, { top_k: 40 }, { top_k: 0 }]) expect(await chat({ top_p: 0, ...more })).toMatchObject({ topP: 1, topK: 1 });
  });
});

describe('other fields', () => {
  it('say what holds anyway, or nothing', async () => {
    const none = { user: null, safety_identifier: null, prompt_cache_key: null };
    await chat({ ...none, modalities: ['text'], verbosity: 'medium', audio: null, prediction: null, web_search_options: null, functions: null, function_call: null });
    await optionsFor('/v1/completions', { prompt: 'x', ...none, best_of: 1, echo: false, suffix: null });
    await optionsFor('/v1/responses', { input: 'x', ...none, text: { verbosity: 'medium' }, conversation: null, prompt: null });
    const refused = async (path: string, more: object): Promise<unknown> => {
      const { status, error } = await post(path, { messages: MESSAGES, ...more });
      return [status, error.param];
    };
    expect(await refused('/v1/chat/completions', { modalities: ['text', 'audio'] })).toEqual([400, 'modalities[1]']);
    expect(await refused('/v1/chat/completions', { verbosity: 'low' })).toEqual([400, 'verbosity']);
    expect(await refused('/v1/chat/completions', { functions: [] })).toEqual([400, 'functions']);
    expect((await post('/v1/completions', { prompt: 'x', echo: true })).error.param).toBe('echo');
  });

  it('limit new tokens by any of their names, or not', async () => {
    for (const limit of [{ max_tokens: 5 }, { n_predict: 5 }, { max_completion_tokens: 5 }, { max_tokens: 5, n_predict: 5 }]) {
      expect((await chat(limit)).maxTokens).toBe(5);
    }
    for (const limit of [{}, { max_tokens: -1 }, { n_predict: -1 }, { max_tokens: null }]) expect((await chat(limit)).maxTokens).toBeUndefined();
    expect((await optionsFor('/v1/completions', { prompt: 'x', n_predict: 4, cache_prompt: true })).maxTokens).toBe(4);
    expect((await post('/v1/completions', { prompt: 'x', max_tokens: 4, n_predict: 5 })).error.param).toBe('max_tokens');
    expect((await post('/v1/completions', { prompt: 'x', max_tokens: 0 })).error).toMatchObject({ param: 'max_tokens', message: expect.stringContaining('or -1') as string });
  });

  it('tell templates how much to think', async () => {
    expect((await chat({ reasoning_effort: 'low' })).templateOptions).toEqual({ enable_thinking: true, reasoning_effort: 'low' });
    expect((await chat({ reasoning_effort: 'none' })).templateOptions).toEqual({ enable_thinking: false });
    expect((await chat({ reasoning_effort: 'low', chat_template_kwargs: { enable_thinking: false } })).templateOptions).toMatchObject({ enable_thinking: false });
    const answer = await post('/v1/responses', { input: 'x', reasoning: { effort: 'high', summary: 'auto' } });
    expect([asked.templateOptions, answer['reasoning']]).toEqual([{ enable_thinking: true, reasoning_effort: 'high' }, { effort: 'high', summary: null }]);
    expect((await post('/v1/chat/completions', { messages: MESSAGES, reasoning_effort: 'much' })).error.param).toBe('reasoning_effort');
  });
});

describe('errors', () => {
  it('name all fields that are not known', async () => {
    expect((await post('/v1/chat/completions', { messages: MESSAGES, temprature: 1, stream_options: {}, topk: 3 })).error)
      .toMatchObject({ message: 'Unrecognized request arguments supplied: temprature, topk', param: 'temprature', code: 'unknown_parameter' });
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`field${i}`, 1]));
    expect((await post('/tokenize', { content: 'x', ...many })).error.message).toMatch(/field19 and 10 more$/);
  });

  it.each([
    ['/v1/responses', { input: [...MESSAGES, { type: 'reasoning', id: 'r', summary: [] }] }, 'input[1].type', 'invalid_value'],
    ['/v1/responses', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] }, 'input[0].content[0].type', 'invalid_value'],
    ['/v1/responses', { input: [{ role: 'user', content: 'x', cached: 1 }] }, 'input[0].cached', 'unknown_parameter'],
    ['/v1/responses', { input: [{ type: 'function_call', call_id: 'x' }] }, 'input[0].name', 'missing_required_parameter'],
    ['/v1/responses', {}, 'input', 'missing_required_parameter'],
    ['/v1/embeddings', { input: ['a', ''] }, 'input[1]', 'invalid_value'],
    ['/v1/completions', { prompt: [[1], [-1]] }, 'prompt[1][0]', 'invalid_value'],
    ['/v1/completions', { prompt: ['a', 5] }, 'prompt[1]', 'invalid_value'],
    ['/v1/completions', { prompt: [5, 6, 'a'] }, 'prompt[2]', 'invalid_value'],
  ])('of %s name the place that is wrong where a field has several forms: %j', async (path, body, param, code) => {
    const { error } = await post(path, body);
    expect(error).toMatchObject({ param, code });
    expect(error.message).not.toMatch(/: Invalid input$/);
  });

  it('name every type that a field may have', async () => {
    expect((await post('/v1/chat/completions', { messages: MESSAGES, stop: 5 })).error.message).toMatch(/expected string or array or null, received number$/);
    expect((await post('/v1/completions', { prompt: true })).error.message).toMatch(/expected string or array, received boolean$/);
  });

  it('name fields of the request, never the engine’s options', async () => {
    const { error } = await post('/v1/chat/completions', { messages: MESSAGES, logit_bias: { 5: 1 } });
    expect(error).toMatchObject({ param: 'logit_bias', code: 'invalid_value', message: 'logit_bias has the token id 5, which is outside the vocabulary (0 … 4).' });
    expect((await post('/v1/completions', { prompt: 'x', mirostat: 1 })).error).toMatchObject({ param: 'mirostat', message: expect.stringContaining('version 1 is not offered') as string });
    expect((await post('/v1/completions', { prompt: 'x', repeat_penalty: 1, repetition_penalty: 2 })).error.param).toBe('repetition_penalty');
  });

  it('are as the engine says them where they begin with no name of an option', async () => {
    const failing = createHandler({
      ...listening,
      generate: () => { throw new InvalidArgumentError('constructor is a word.'); },
    } as unknown as ServeEngine);
    expect((await post('/v1/completions', { prompt: 'x' }, failing)).error).toMatchObject({ param: 'prompt', message: 'constructor is a word.' });
  });

  it('list the roles that there are', async () => {
    expect((await post('/v1/chat/completions', { messages: [...MESSAGES, { role: 'foo', content: 'x' }] })).error)
      .toMatchObject({ param: 'messages[1].role', message: 'messages[1].role: must be one of system, developer, user, assistant, tool' });
  });

  it('refuse the result of a call that nobody made', async () => {
    const call = { role: 'assistant', content: null, tool_calls: [{ id: 'one', type: 'function', function: { name: 'f', arguments: '{}' } }] };
    const result = (id?: string): object => ({ role: 'tool', content: 'x', tool_call_id: id });
    expect((await post('/v1/chat/completions', { messages: [...MESSAGES, call, result('one')] })).status).toBe(200);
    for (const messages of [[...MESSAGES, result('one')], [...MESSAGES, call, result('two')], [...MESSAGES, call, result()], [result('one'), call]]) {
      expect((await post('/v1/chat/completions', { messages })).error).toMatchObject({ param: expect.stringMatching(/^messages\[\d\]\.tool_call_id$/) as string });
    }
  });

  it('say which models there are where none is named', async () => {
    expect((await post('/v1/completions', { prompt: 'x' })).status).toBe(200);
    const several = createHandler(new ModelPool(['a', 'b'].map((id) => ({ id, load: async () => listening }))));
    for (const path of ['/v1/completions', '/tokenize']) {
      expect(await post(path, { prompt: 'x', content: 'x' }, several)).toMatchObject({ status: 400, error: { code: 'unknown_parameter' } });
      const body = path === '/tokenize' ? { content: 'x' } : { prompt: 'x' };
      const { status, error } = await post(path, body, several);
      expect([status, error.param, error.message]).toEqual([400, 'model', 'Say which model: several are served here, and model is missing. Served: a, b.']);
    }
  });
});

describe('a real engine’s errors', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await tinyServer({ contextHint: 'start the server with a larger --context' }, { contextLength: 64 }, [{ id: 'm', template: TEMPLATE }]);
  });
  afterAll(() => server.close(100));
  const refused = async (path: string, body: object): Promise<Answer['error']> => {
    const { status, error } = await post(path, body, (request) => fetch(server.url + new URL(request.url).pathname, { method: 'POST', headers: request.headers, body: JSON.stringify(body) }));
    expect(status).toBe(400);
    return error;
  };

  it('have the place that is wrong', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:' } };
    expect(await refused('/v1/chat/completions', { messages: [{ role: 'user', content: [image] }] }))
      .toMatchObject({ param: 'messages[0].content[0].type', code: 'invalid_value', message: expect.stringContaining('"text", the only kind supported') as string });
    expect((await refused('/v1/chat/completions', { messages: [{ role: 'user', content: null }] })).param).toBe('messages[0].content');
    expect((await refused('/detokenize', { tokens: [1, 10 ** 6] })).param).toBe('tokens');
    expect((await refused('/v1/completions', { prompt: [10 ** 6] })).param).toBe('prompt');
    expect((await refused('/v1/embeddings', { input: [10 ** 6] })).param).toBe('input');
  });

  it('advise what whoever runs the server can do', async () => {
    for (const [path, body] of [['/v1/completions', { prompt: 'word '.repeat(500) }], ['/v1/embeddings', { input: 'word '.repeat(500) }]] as const) {
      expect((await refused(path, body)).message).toMatch(/start the server with a larger --context\.$/);
    }
  });

  it('are none where a request says how much to think, which the template hears', async () => {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: MESSAGES, reasoning_effort: 'low', max_tokens: 1 }),
    });
    const { usage } = await response.json() as { usage: { prompt_tokens: number } };
    expect(usage.prompt_tokens).toBe(server.engines[0]!.renderChat(MESSAGES, { templateOptions: { enable_thinking: true, reasoning_effort: 'low' } }).ids.length);
  });
});
