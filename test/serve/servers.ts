// Servers for tests: a tiny model behind the real handler on a free port of this machine.
import { readFileSync } from 'node:fs';
import { Engine } from '../../src/index.ts';
import type { LoadOptions } from '../../src/index.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import { startServer } from '../../src/serve/node/server.ts';
import type { NodeServer, NodeServerOptions } from '../../src/serve/node/server.ts';
import { templatedModel } from '../adapters/templated-model.ts';
import { caseFile } from '../support/architecture-cases.ts';

export interface TestServer extends NodeServer {
  /** Engines that were loaded so far, in order. */
  readonly engines: readonly Engine[];
  readonly log: readonly string[];
}

/** A model by the name of its file among the cases, or with a chat template of the test's own. */
export type TinyModel = string | { readonly id: string; readonly template: string };

export async function tinyServer(
  options: Partial<NodeServerOptions> = {}, load: LoadOptions = {}, models: readonly TinyModel[] = ['llama-tied'],
): Promise<TestServer> {
  const engines: Engine[] = [];
  const log: string[] = [];
  const pool = new ModelPool(models.map((model) => ({
    id: typeof model === 'string' ? model : model.id,
    async load() {
      const engine = await Engine.load(await bytesOf(model), { threads: 1, ...load });
      engines.push(engine);
      return engine;
    },
  })));
  const server = await startServer(pool, { host: '127.0.0.1', port: 0, log: (line) => log.push(line), ...options });
  return {
    ...server, engines, log,
    async close(graceMs, signal) {
      await server.close(graceMs, signal);
      await pool.dispose();
    },
  };
}

async function bytesOf(model: TinyModel): Promise<Uint8Array> {
  return typeof model === 'string' ? new Uint8Array(readFileSync(caseFile(`${model}.gguf`))) : templatedModel(model.template);
}

/** Models that need nothing, and what became of them. */
export function pooled(ids: readonly string[], maxLoaded: number): { pool: ModelPool; events: string[] } {
  const events: string[] = [];
  const models = ids.map((id) => ({
    id,
    async load() {
      events.push(`+${id}`);
      return { dispose: async () => void events.push(`-${id}`) } as never;
    },
  }));
  return { pool: new ModelPool(models, maxLoaded), events };
}
