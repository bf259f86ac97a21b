// The backend behind an OpenAI-compatible server on the page's own origin: /v1/models and /v1/chat/completions.
import { ChatError } from '../chat/backend.ts';
import type {
  ChatBackend, ChatModel, OpenModel, PromptMessage, ReplyPart, ReplyRequest, ReplyStats, SamplingSettings,
} from '../chat/backend.ts';
import { readPreference } from '../chat/preferences.ts';
import { brokenOff, eventsOf } from './events.ts';

interface ServedModel {
  readonly id: string;
  readonly context_length?: number;
  readonly owned_by?: string;
  readonly meta?: {
    readonly n_ctx?: number; readonly n_ctx_train?: number; readonly size?: number; readonly n_params?: number;
    /** False for models that were never taught to converse, as this project's server says. */
    readonly has_chat_template?: boolean;
  };
}

interface StreamChunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly timings?: { readonly predicted_per_second?: number };
  readonly error?: ServerError;
}

/** OpenAI's code is a word; llama.cpp's is a number, and its type the word. */
interface ServerError {
  readonly message?: string;
  readonly code?: string | number;
  readonly type?: string;
}

/** Whether the page comes from such a server; what a static host answers is no list of models. */
export async function hasServer(): Promise<boolean> {
  try {
    const response = await request('v1/models');
    return response.status === 401 || (response.ok && /json/.test(response.headers.get('content-type') ?? ''));
  } catch {
    return false;
  }
}

/** Servers that load models when they are asked say more of a model once they have it. */
function chatModel({ id, owned_by: owner, meta }: ServedModel): ChatModel {
  return {
    id, name: id, isStored: true, isUnloaded: owner === 'clawdbot' && meta === undefined,
    ...(meta?.size && { sizeBytes: meta.size }), ...(meta?.n_params && { numParameters: meta.n_params }),
  };
}

export function serverBackend(): ChatBackend {
  let served: readonly ServedModel[] = [];
  return {
    kind: 'server',

    async listModels(): Promise<readonly ChatModel[]> {
      const response = await checked(await request('v1/models'));
      served = ((await response.json()) as { data: ServedModel[] }).data;
      return served.map(chatModel);
    },

    open(modelId: string): Promise<OpenModel> {
      const model = served.find(({ id }) => id === modelId);
      if (!model) return Promise.reject(new ChatError('no-model', `The server has no model "${modelId}" any more.`));
      const contextLength = model.context_length ?? model.meta?.n_ctx ?? model.meta?.n_ctx_train;
      const onlyContinues = model.meta?.has_chat_template === false;
      return Promise.resolve({ id: modelId, name: modelId, warnings: [], ...(contextLength && { contextLength }), onlyContinues });
    },

    reply,
  };
}

async function* reply({ modelId, messages, sampling, signal }: ReplyRequest): AsyncGenerator<ReplyPart> {
  const startedAt = performance.now();
  const response = await checked(await request('v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(completionBody(modelId, messages, sampling)),
    signal,
  }));
  let firstAt = 0;
  let finishReason = '';
  let stats: ReplyStats = {};
  for await (const event of eventsOf(response, signal)) {
    if (event === '[DONE]') break;
    const chunk = JSON.parse(event) as StreamChunk;
    if (chunk.error) throw failure(chunk.error, 'The server failed.');
    const [choice] = chunk.choices ?? [];
    const { content, reasoning_content: reasoning } = choice?.delta ?? {};
    if ((content || reasoning) && firstAt === 0) firstAt = performance.now();
    if (reasoning) yield { type: 'reasoning', text: reasoning };
    if (content) yield { type: 'text', text: content };
    if (choice?.finish_reason) finishReason = choice.finish_reason;
    stats = { ...stats, ...statsFrom(chunk, startedAt, firstAt) };
  }
  if (finishReason === '') throw brokenOff();
  yield { type: 'end', finishReason, stats };
}

function completionBody(model: string, messages: readonly PromptMessage[], sampling: SamplingSettings): object {
  return {
    model, messages, stream: true, stream_options: { include_usage: true },
    temperature: sampling.temperature, top_p: sampling.topP, top_k: sampling.topK, min_p: sampling.minP,
    ...(sampling.repetitionPenalty !== 1 && { repetition_penalty: sampling.repetitionPenalty }),
    ...(sampling.maxTokens !== undefined && { max_completion_tokens: sampling.maxTokens }),
    ...(sampling.seed !== undefined && { seed: sampling.seed }),
  };
}

/** The server's own measurement where it sends one, else tokens by the clock. */
function statsFrom({ usage, timings }: StreamChunk, startedAt: number, firstAt: number): ReplyStats {
  const seconds = (performance.now() - firstAt) / 1000;
  const measured = timings?.predicted_per_second;
  return {
    ...(firstAt > 0 && { ttftMs: firstAt - startedAt }),
    ...(usage && { promptTokens: usage.prompt_tokens, newTokens: usage.completion_tokens }),
    ...(usage && usage.completion_tokens > 1 && seconds > 0 && { tokensPerSecond: (usage.completion_tokens - 1) / seconds }),
    ...(measured && { tokensPerSecond: measured }),
  };
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const key = readPreference('apiKey');
  const headers = new Headers(init.headers);
  if (key) headers.set('authorization', `Bearer ${key}`);
  try {
    return await fetch(new URL(path, document.baseURI), { ...init, headers });
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw new ChatError('unreachable', 'The server cannot be reached. Is it still running?', { cause });
  }
}

/** The response if it is a success; throws the server's own words otherwise. */
async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  if (response.status === 401) throw new ChatError('unauthorized', 'The server wants an API key.');
  const said = await response.json().catch(() => undefined) as { error?: ServerError } | undefined;
  throw failure(said?.error ?? {}, `The server answers ${response.status} ${response.statusText}.`);
}

function failure({ code, type, message }: ServerError, otherwise: string): ChatError {
  return new ChatError((typeof code === 'string' ? code : type) ?? 'failed', message ?? otherwise);
}
