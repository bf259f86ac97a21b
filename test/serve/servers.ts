// Servers for tests: a tiny model behind the real handler on a free port of this machine.
import { readFileSync } from 'node:fs';
import { Engine } from '../../src/index.ts';
import type { LoadOptions } from '../../src/index.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import { startServer } from '../../src/serve/node-server.ts';
import type { NodeServer, NodeServerOptions } from '../../src/serve/node-server.ts';
import { caseFile } from '../support/architecture-cases.ts';

export interface TestServer extends NodeServer {
  /** Engines that were loaded so far, in order. */
  readonly engines: readonly Engine[];
  readonly log: readonly string[];
}

export async function tinyServer(
  options: Partial<NodeServerOptions> = {}, load: LoadOptions = {}, models: readonly string[] = ['llama-tied'],
): Promise<TestServer> {
  const engines: Engine[] = [];
  const log: string[] = [];
  const pool = new ModelPool(models.map((id) => ({
    id,
    async load() {
      const engine = await Engine.load(new Uint8Array(readFileSync(caseFile(`${id}.gguf`))), { threads: 1, ...load });
      engines.push(engine);
      return engine;
    },
  })));
  const server = await startServer(pool, { host: '127.0.0.1', port: 0, log: (line) => log.push(line), ...options });
  return {
    ...server, engines, log,
    async close(graceMs) {
      await server.close(graceMs);
      await pool.dispose();
    },
  };
}
