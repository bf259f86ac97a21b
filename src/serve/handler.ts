// createHandler: the whole server as a function from Request to Response, for any runtime and framework that has these.
import { Hono } from 'hono';
import type { Context } from 'hono';
import { cors } from 'hono/cors';
import type { SamplingOptions } from '../engine/sampler/options.ts';
import type { GenerateOptions } from '../engine/types.ts';
import { ApiError, toApiError } from './api-error.ts';
import { ENDPOINTS } from './endpoints.ts';
import { Exchange } from './requests/exchange.ts';
import { allowHosts, forwardedFor, givenKey, requireKey } from './guards.ts';
import { checkEngine, checkHandlerOptions } from './handler-options.ts';
import { ModelPool } from './model-pool.ts';
import type { ServeEngine } from './model-pool.ts';
import { openApiDocument } from './openapi.ts';
import { LONGEST_TIMER_MS } from './requests/patience.ts';
import { BodyReader } from './requests/read-body.ts';
import type { StreamEnd } from './requests/visit.ts';

/** One answered request, without any of its text; of a stream, when it is over. */
export interface ServedRequest {
  /** Answered as `x-request-id`. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Until the answer began, and until it was over. */
  readonly beganMs: number;
  readonly ms: number;
  readonly model?: string;
  /** The first eight digits of the SHA-256 of the key that was given. */
  readonly key?: string;
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  /** While one answer was written. */
  readonly tokensPerSecond?: number;
  readonly isStream?: boolean;
  /** Its client went away before the stream was over. */
  readonly isGone?: boolean;
  /** What went wrong; of a stream, after its status had been sent. */
  readonly error?: unknown;
}

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
  /** Milliseconds without a token after which a stream begins all the same, with a comment, and one more each time (3000). */
  readonly quietMs?: number;
  /** Sampling of requests that say nothing of it, instead of the engine's defaults. */
  readonly defaults?: SamplingOptions;
  /** What errors advise where a prompt is longer than the context ('load the model with a larger contextLength'). */
  readonly contextHint?: string;
  /**
   * Tell clients apart by the last address in X-Forwarded-For, the one that the proxy before this server adds. Only where no
   * request comes another way: anybody can send the header.
   */
  readonly trustProxy?: boolean;
  /** Shown in /openapi.json. */
  readonly version?: string;
  /** Hears of every request once its answer, or its stream, is over. What it throws is written to the console. */
  readonly onRequest?: (request: ServedRequest) => void;
  /** Further routes, such as a page at `/`. */
  readonly extend?: (app: Hono) => void;
}

export interface Handler {
  /** What else a server hands over with a request is not looked at. */
  (request: Request): Promise<Response>;
  /** The same, where it is known who asks: `client` tells clients apart where no keys do, such as by address. Waiting clients take turns. */
  answer(request: Request, from: { readonly client?: string }): Promise<Response>;
  /** Refuses new requests, waits for the running ones; these end in an error when `signal` fires. */
  drain(signal?: AbortSignal): Promise<void>;
  readonly numActive: number;
}

const MAX_BODY_BYTES = 8 * 2 ** 20;
const MAX_REQUESTS = 64;
const STALL_MS = 60_000;
const QUIET_MS = 3000;
/** What pages may read of answers besides their bodies, and how long browsers remember that they may ask. */
const CORS = { allowMethods: ['GET', 'POST'], exposeHeaders: ['retry-after', 'x-request-id'], maxAge: 7200 };

/**
 * `engine` is a loaded model, which stays the caller's, or a pool. Throws InvalidArgumentError for anything else, and for an option that does not
 * exist or makes no sense. The handler never throws: what goes wrong is answered in the shape of OpenAI's errors.
 */
export function createHandler(engine: ServeEngine | ModelPool, options: HandlerOptions = {}): Handler {
  if (!(engine instanceof ModelPool)) checkEngine(engine);
  checkHandlerOptions(options);
  const pool = engine instanceof ModelPool ? engine : new ModelPool([{ id: engine.model.name, load: async () => engine, loaded: engine }]);
  const { apiKeys = [], maxRequests = MAX_REQUESTS } = options;
  const exchange = new Exchange(pool, {
    maxRequests, maxPerClient: apiKeys.length > 1 ? Math.ceil(0.75 * maxRequests) : maxRequests, timeoutMs: options.timeoutMs ?? 0,
    contextPolicy: options.contextPolicy, stallMs: stallMsOf(options), quietMs: Math.min(options.quietMs ?? QUIET_MS, LONGEST_TIMER_MS),
    defaults: options.defaults ?? {}, contextHint: options.contextHint,
  });
  const app = createApp(pool, exchange, options);
  const answer = async (request: Request, from: { readonly client?: string }): Promise<Response> => {
    const address = (options.trustProxy ? forwardedFor(request) : undefined) ?? from.client;
    exchange.introduce(request, apiKeys.length > 0 ? givenKey(request.headers.get('authorization')) : address);
    return app.fetch(request);
  };
  const handler = (request: Request): Promise<Response> => answer(request, {});
  return Object.defineProperty(
    Object.assign(handler, { answer, drain: (signal?: AbortSignal) => exchange.drain(signal) }), 'numActive', { get: () => exchange.places.numTaken },
  ) as unknown as Handler;
}

const stallMsOf = ({ stallTimeoutMs = STALL_MS }: HandlerOptions): number => Math.min(stallTimeoutMs, LONGEST_TIMER_MS);

function createApp(pool: ModelPool, exchange: Exchange, options: HandlerOptions): Hono {
  const app = new Hono({ strict: false });
  const { maxBodyBytes = MAX_BODY_BYTES, version = '' } = options;
  const bodies = new BodyReader({ maxBytes: maxBodyBytes, stallMs: stallMsOf(options) });
  const started = Math.floor(Date.now() / 1000);
  app.use(async (context, next) => {
    const at = performance.now();
    await next();
    const { method, path, raw } = context.req;
    const { status } = context.res;
    const visit = exchange.visitOf(raw);
    context.header('x-request-id', visit.id);
    const beganMs = performance.now() - at;
    const report = (end: StreamEnd & { readonly isStream?: true }): void =>
      tell(options, { ...visit.figures(), method, path, status, beganMs, ms: performance.now() - at, ...end });
    if (visit.stream) void visit.stream.then((end) => report({ isStream: true, ...end }));
    else report({ error: context.error });
  });
  app.use(allowHosts({ names: options.allowedHosts, addresses: options.allowAddresses }));
  if (options.corsOrigins?.length) app.use(cors({ origin: [...options.corsOrigins], ...CORS }));
  app.get('/health', (context) => {
    exchange.places.refuseWhileDraining();
    return context.json({ status: 'ok' });
  });
  const needsKey = requireKey(options.apiKeys ?? [], (request, digest) => {
    exchange.visitOf(request).key = digest;
  });
  for (const path of ['/v1/*', '/models/*', '/metrics', ...ENDPOINTS.flatMap(({ path, aliases }) => [path, ...aliases])]) app.use(path, needsKey);
  const models = (): object[] => pool.list().map(({ id, engine }) => ({
    id, object: 'model', created: started, owned_by: 'clawdbot',
    ...(engine && { context_length: engine.model.contextLength, meta: metaOf(engine) }),
  }));
  for (const path of ['/v1/models', '/models']) {
    app.get(path, (context) => context.json({ object: 'list', data: models() }));
    app.get(`${path}/:id{.+}`, (context) => {
      const found = models().find((model) => (model as { id: string }).id === context.req.param('id'));
      if (!found) throw new ApiError(404, 'No such model is served here.', { type: 'invalid_request_error', code: 'model_not_found' });
      return context.json(found);
    });
  }
  app.get('/openapi.json', (context) => context.json(openApiDocument(version)));
  for (const { path, aliases, subject, schema, answer } of ENDPOINTS) {
    for (const place of [path, ...aliases]) {
      app.post(place, async (context) => {
        exchange.visitOf(context.req.raw).subject = subject;
        return answer(exchange, context.req.raw, await bodies.read(context.req.raw, schema));
      });
      app.all(place, () => {
        throw new ApiError(405, 'Use POST.', { type: 'invalid_request_error', headers: { allow: 'POST' } });
      });
    }
  }
  options.extend?.(app);
  app.notFound((context) => notFound(context));
  app.onError((error) => toApiError(error).response());
  return app;
}

/** The answer stays as it is, whatever becomes of this. */
function tell({ onRequest }: HandlerOptions, request: ServedRequest): void {
  const told = async (): Promise<void> => onRequest?.(request);
  told().catch((error: unknown) => console.error(`onRequest failed for the request ${request.id}:`, error));
}

function notFound({ req }: Context): Response {
  return new ApiError(404, `There is no ${req.method} ${req.path.slice(0, 120)} here. See /openapi.json.`, {
    type: 'invalid_request_error', code: 'unknown_url',
  }).response();
}

function metaOf({ model }: ServeEngine): object {
  return {
    n_ctx: model.contextLength, n_ctx_train: model.trainedContextLength, n_params: model.numParameters, n_embd: model.hiddenSize,
    n_vocab: model.vocabSize, size: model.memory.weightBytes, has_chat_template: model.hasChatTemplate,
    ...(model.chatTemplateWarning !== undefined && { chat_template_warning: model.chatTemplateWarning }),
  };
}
