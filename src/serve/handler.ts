// createHandler: the whole server as a function from Request to Response, for any runtime and framework that has these.
import { Hono } from 'hono';
import type { Context } from 'hono';
import { cors } from 'hono/cors';
import type { GenerateOptions } from '../engine/types.ts';
import { ApiError, toApiError } from './api-error.ts';
import { ENDPOINTS } from './endpoints.ts';
import { Exchange } from './exchange.ts';
import { allowHosts, checkKeys, givenKey, requireKey } from './guards.ts';
import { ModelPool } from './model-pool.ts';
import type { ServeEngine } from './model-pool.ts';
import { openApiDocument } from './openapi.ts';
import { BodyReader } from './read-body.ts';

/** One answered request, without any of its text. */
export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly error?: unknown;
}

/** A stream that failed when its status had been sent. */
export type BrokenStream = Pick<ServedRequest, 'method' | 'path'> & { readonly error: unknown };

export interface HandlerOptions {
  /** Keys of which a request must carry one; without any, none is asked for. None may be empty. */
  readonly apiKeys?: readonly string[];
  /** Host names answered to, without ports; any by default, as the caller's own server knows its names. */
  readonly allowedHosts?: readonly string[];
  /** Answer to any IP address besides `allowedHosts`. */
  readonly allowAddresses?: boolean;
  /** Origins of pages of other sites that may ask. */
  readonly corsOrigins?: readonly string[];
  /** Largest body in bytes (8 MiB). */
  readonly maxBodyBytes?: number;
  /** Requests that run or wait (64); one more gets 429. With several keys, one of them holds three quarters at most. */
  readonly maxRequests?: number;
  /** What becomes of conversations and answers longer than the context ('error'); 'slide' leaves out the oldest. */
  readonly contextPolicy?: GenerateOptions['contextPolicy'];
  /** Milliseconds for one request (none). */
  readonly timeoutMs?: number;
  /** Milliseconds until a client is given up that takes nothing more of its stream, or sends nothing more of its body (60,000). */
  readonly stallTimeoutMs?: number;
  readonly version?: string;
  /** Hears of every answered request. */
  readonly onRequest?: (request: ServedRequest) => void;
  /** Hears of every stream that fails after `onRequest` has heard of it. */
  readonly onBrokenStream?: (stream: BrokenStream) => void;
  /** Further routes, such as a page at `/`. */
  readonly extend?: (app: Hono) => void;
}

export interface Handler {
  /**
   * `from.client` tells clients apart where no keys do, by their address for one: where requests wait, clients take turns.
   */
  (request: Request, from?: { readonly client?: string }): Promise<Response>;
  /** Refuses new requests, waits for the running ones. */
  drain(): Promise<void>;
  readonly numActive: number;
}

const MAX_BODY_BYTES = 8 * 2 ** 20;
const MAX_REQUESTS = 64;
const STALL_MS = 60_000;

/**
 * `engine` is a loaded model, which stays the caller's, or a pool. Throws InvalidArgumentError for an empty key. The handler never
 * throws: what goes wrong is answered in the shape of OpenAI's errors.
 */
export function createHandler(engine: ServeEngine | ModelPool, options: HandlerOptions = {}): Handler {
  const pool = engine instanceof ModelPool ? engine : new ModelPool([{ id: engine.model.name, load: async () => engine }]);
  const { apiKeys = [], maxRequests = MAX_REQUESTS, onBrokenStream } = options;
  checkKeys(apiKeys);
  const exchange = new Exchange(pool, {
    maxRequests, maxPerClient: apiKeys.length > 1 ? Math.ceil(0.75 * maxRequests) : maxRequests, timeoutMs: options.timeoutMs ?? 0,
    contextPolicy: options.contextPolicy, stallMs: options.stallTimeoutMs ?? STALL_MS,
    onBrokenStream: ({ method, url }, error) => onBrokenStream?.({ method, path: new URL(url).pathname, error }),
  });
  const app = createApp(pool, exchange, options);
  const handler = async (request: Request, from?: { readonly client?: string }): Promise<Response> => {
    const client = apiKeys.length > 0 ? givenKey(request.headers.get('authorization')) : from?.client;
    if (client !== undefined) exchange.introduce(request, client);
    return app.fetch(request);
  };
  return Object.defineProperty(
    Object.assign(handler, { drain: () => exchange.places.drain() }), 'numActive', { get: () => exchange.places.numTaken },
  ) as unknown as Handler;
}

function createApp(pool: ModelPool, exchange: Exchange, options: HandlerOptions): Hono {
  const app = new Hono();
  const { maxBodyBytes = MAX_BODY_BYTES, stallTimeoutMs = STALL_MS, version = '' } = options;
  const bodies = new BodyReader({ maxBytes: maxBodyBytes, stallMs: stallTimeoutMs });
  const started = Math.floor(Date.now() / 1000);
  app.use(async (context, next) => {
    const at = performance.now();
    await next();
    const { method, path } = context.req;
    options.onRequest?.({ method, path, status: context.res.status, ms: performance.now() - at, error: context.error });
  });
  app.use(allowHosts({ names: options.allowedHosts, addresses: options.allowAddresses }));
  if (options.corsOrigins?.length) app.use(cors({ origin: [...options.corsOrigins] }));
  app.get('/health', (context) => {
    exchange.places.refuseWhileDraining();
    return context.json({ status: 'ok' });
  });
  for (const path of ['/v1/*', '/tokenize', '/detokenize', '/metrics']) app.use(path, requireKey(options.apiKeys ?? []));
  const models = (): object[] => pool.list().map(({ id, engine }) => ({
    id, object: 'model', created: started, owned_by: 'clawdbot',
    ...(engine && { context_length: engine.model.contextLength, meta: metaOf(engine) }),
  }));
  app.get('/v1/models', (context) => context.json({ object: 'list', data: models() }));
  app.get('/v1/models/:id{.+}', (context) => {
    const found = models().find((model) => (model as { id: string }).id === context.req.param('id'));
    if (!found) throw new ApiError(404, 'No such model is served here.', { type: 'invalid_request_error', code: 'model_not_found' });
    return context.json(found);
  });
  app.get('/openapi.json', (context) => context.json(openApiDocument(version)));
  for (const { path, schema, answer } of ENDPOINTS) {
    app.post(path, async (context) => answer(exchange, context.req.raw, await bodies.read(context.req.raw, schema)));
    app.all(path, () => {
      throw new ApiError(405, 'Use POST.', { type: 'invalid_request_error', headers: { allow: 'POST' } });
    });
  }
  options.extend?.(app);
  app.notFound((context) => notFound(context));
  app.onError((error) => toApiError(error).response());
  return app;
}

function notFound({ req }: Context): Response {
  return new ApiError(404, `There is no ${req.method} ${req.path.slice(0, 120)} here. See /openapi.json.`, {
    type: 'invalid_request_error', code: 'unknown_url',
  }).response();
}

function metaOf({ model }: ServeEngine): object {
  return {
    n_ctx: model.contextLength, n_ctx_train: model.trainedContextLength, n_params: model.numParameters, n_embd: model.hiddenSize,
    n_vocab: model.vocabSize, size: model.memory.weightBytes,
  };
}
