// clawdbot serve: OpenAI-compatible endpoints and a chat page over one or several models.
import { fileURLToPath } from 'node:url';
import packageJson from '../../../package.json' with { type: 'json' };
import { MAX_SEQUENCES } from '../../engine/load/load-options.ts';
import { isLoopback } from '../../serve/hosts.ts';
import { defaultCatalog } from '../../sources/catalog.ts';
import { pathOfFileUrl } from '../../sources/local.ts';
import { parseReference } from '../../sources/reference.ts';
import { resolveModel } from '../../sources/resolve.ts';
import { defaultCacheDir } from '../../sources/settings.ts';
import { command } from '../command.ts';
import type { CliEngine, Output, Surroundings } from '../command.ts';
import { withFlags } from '../flag-names.ts';
import { printable } from '../format.ts';
import { namedModels } from '../model-names.ts';
import type { NamedModel } from '../model-names.ts';
import { flag, integer, text, texts } from '../options.ts';
import type { Values } from '../options.ts';
import { print, printJson } from '../output.ts';
import { UsageError } from '../parse-arguments.ts';
import { recordServer } from '../servers/records.ts';
import { CONTEXT_POLICY, DEFAULT_MODEL, EVERYWHERE, ENGINE, JSON_OUTPUT, SAMPLING, loadOptionsFrom, samplingFrom } from '../shared-options.ts';
import { untilStopped } from '../until-stopped.ts';

/** Sequences computed at the same time, where there is memory for them. */
const SEQUENCES = 8;

/** Answers to requests that say nothing of it; one seed for all, or a bias on ids of one model, is nobody's default. */
const { seed: _seed, logitBias: _logitBias, ...DEFAULTS } = SAMPLING;

const OPTIONS = {
  host: text({ value: 'ADDRESS', help: 'Address to listen on (127.0.0.1)' }),
  port: integer({ min: 0, max: 65535 }, { short: 'p', help: 'Port; 0 takes a free one (8080)' }),
  apiKey: texts({ value: 'KEY', help: 'Key that requests must carry (also CLAWDBOT_API_KEY). Repeatable' }),
  noApiKey: flag({ help: 'Answer other machines without a key' }),
  allowedHost: texts({ value: 'NAME', help: 'Host name to answer to (localhost, 127.0.0.1). Repeatable' }),
  corsOrigin: texts({ value: 'ORIGIN', help: 'Origin of web pages that may ask (none). Repeatable' }),
  alias: text({ value: 'NAME', help: 'Id of the only model (its name, or that of its file)' }),
  maxLoaded: integer({ min: 1 }, { help: 'Models in memory at once; others are unloaded when idle, and requests wait for that (all)' }),
  maxRequests: integer({ min: 1, max: 100_000 }, { help: 'Requests that run or wait; one more gets 429 (64)' }),
  maxBodyBytes: integer({ min: 1024 }, { help: 'Largest request in bytes (8388608)' }),
  timeout: integer({ min: 0 }, { value: 'SECONDS', help: 'Longest time for one request; 0 is no limit (0)' }),
  stallTimeout: integer({ min: 1 }, { value: 'SECONDS', help: 'Cut a stream off whose client takes nothing more for so long (60)' }),
  trustProxy: flag({ help: 'Tell clients apart by the last X-Forwarded-For address; only behind a proxy that adds it' }),
  noPage: flag({ help: 'No chat page at /' }),
  quiet: flag({ help: 'No log of requests' }),
  ...JSON_OUTPUT,
  ...CONTEXT_POLICY,
  ...ENGINE,
  maxSequences: integer({ min: 1, max: MAX_SEQUENCES }, { help: `Sequences computed at the same time (${SEQUENCES}, or as many as fit)` }),
  ...DEFAULTS,
  ...EVERYWHERE,
};

/** How long running requests get to end after the first Ctrl-C or SIGTERM. */
const GRACE_MS = 30_000;

export const serve = command({
  name: 'serve',
  summary: 'Serve models to OpenAI-compatible clients, with a chat page',
  usage: '[MODEL …] [OPTIONS]',
  notes:
    'Each MODEL is a reference as for run, or ID=REFERENCE to name it. One model is loaded at once, several when first asked for. ' +
    'Sampling options are for requests that do not say theirs.',
  examples: ['clawdbot serve smollm2', 'clawdbot serve chat=./model.gguf embed=./bge.gguf --max-loaded 1 --port 8000'],
  options: OPTIONS,
  async run({ options, positionals }, surroundings) {
    const { host = '127.0.0.1' } = options;
    if (!isLoopback(host) && keysFrom(options, surroundings.env).length === 0 && !options.noApiKey) {
      throw new UsageError(
        `Listening on ${host} opens this server to other machines. Give a key with --api-key KEY, or say with --no-api-key that none is needed.`,
      );
    }
    const models = namedModels(positionals.length > 0 ? positionals : [DEFAULT_MODEL], options.alias);
    await serveUntilStopped(models, options, surroundings);
  },
});

function keysFrom({ apiKey }: Values<typeof OPTIONS>, env: Surroundings['env']): readonly string[] {
  return apiKey ?? (env['CLAWDBOT_API_KEY'] ? [env['CLAWDBOT_API_KEY']] : []);
}

async function serveUntilStopped(
  models: readonly NamedModel[], options: Values<typeof OPTIONS>, surroundings: Surroundings,
): Promise<void> {
  // Hono, zod, pino and prom-client are for this command alone.
  const { ModelPool } = await import('../../serve/model-pool.ts');
  const { startServer } = await import('../../serve/node/server.ts');
  const { stderr, stdout, env, signal } = surroundings;
  surroundings.outliveReaders();
  // Those that are loaded when first asked for.
  if (models.length > 1) for (const { reference } of models) await checkReference(reference, env);
  const ids = models.map(({ id }) => id);
  const load = async ({ id, reference }: NamedModel): Promise<CliEngine> => {
    const given = loadOptionsFrom(options);
    const engine = await surroundings.loadEngine(reference, { ...given, signal, maxSequences: given.maxSequences ?? { atMost: SEQUENCES } });
    warn(id, engine, stderr);
    return engine;
  };
  const pool = new ModelPool(models.map((model) => ({ id: model.id, load: () => load(model) })), options.maxLoaded);
  try {
    if (models.length === 1) (await pool.acquire(undefined)).release();
    const server = await startServer(pool, {
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 8080,
      apiKeys: keysFrom(options, env),
      withoutKeys: options.noApiKey,
      allowedHosts: options.allowedHost,
      corsOrigins: options.corsOrigin,
      maxRequests: options.maxRequests,
      contextPolicy: options.contextPolicy,
      contextHint: 'start the server with a larger --context',
      defaults: samplingFrom(options),
      maxBodyBytes: options.maxBodyBytes,
      timeoutMs: 1000 * (options.timeout ?? 0),
      stallTimeoutMs: options.stallTimeout && 1000 * options.stallTimeout,
      trustProxy: options.trustProxy,
      version: packageJson.version,
      pageFolder: options.noPage ? undefined : fileURLToPath(new URL('./web', import.meta.url)),
      log: options.quiet ? undefined : (line) => stderr.write(line),
    });
    if (options.json) await printJson(stdout, { url: server.url, models: ids });
    else await print(stdout, `Serving ${printable(ids.join(', '))} at ${server.url} (OpenAI API at ${server.url}/v1). Ctrl-C stops.\n`);
    const forget = await record(options.cacheDir ?? defaultCacheDir(env), { url: server.url, models: ids }, stderr);
    try {
      await untilStopped(surroundings);
      const { numActive } = server.handler;
      const running = numActive === 1 ? '1 request is running and gets' : `${numActive} requests are running and get`;
      if (numActive > 0) stderr.write(`${running} ${GRACE_MS / 1000} seconds. Ctrl-C ends ${numActive === 1 ? 'it' : 'them'} now.\n`);
      await server.close(GRACE_MS, signal);
      signal.throwIfAborted();
    } finally {
      await forget();
    }
  } finally {
    await pool.dispose();
  }
}

/** Rejects where that is no reference or no local file; what must be fetched is not asked for. */
async function checkReference(reference: string, env: Surroundings['env']): Promise<void> {
  if (parseReference(reference, defaultCatalog(), pathOfFileUrl).kind === 'path') await resolveModel(reference, { env });
}

/** What a model has to be told of: also when it is first asked for, long after the start. */
function warn(id: string, { model: { warnings } }: CliEngine, stderr: Output): void {
  for (const warning of warnings) stderr.write(`warning: ${id}: ${printable(withFlags(warning, 'serve'))}\n`);
}

/** For clawdbot ps and stop. A server runs without being found where the cache folder cannot be written. */
async function record(cacheDir: string, server: { url: string; models: string[] }, stderr: Output): Promise<() => Promise<void>> {
  try {
    return await recordServer(cacheDir, server);
  } catch (error) {
    stderr.write(`warning: clawdbot ps will not show this server: ${(error as Error).message}\n`);
    return async () => undefined;
  }
}
