// The clawdbot side of the comparison: this package's built API in this process, its compute threads being workers.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ownMemory } from './process-memory.mjs';

const DIST = process.env.CLAWDBOT_DIST ?? new URL('../../../dist/index.js', import.meta.url).pathname;

export async function version() {
  const { version: own } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  return own;
}

export async function load({ model, threads, contextLength }) {
  const { Engine } = await import(pathToFileURL(DIST).href);
  const engine = await Engine.load(model, { threads, contextLength, offline: true });
  return {
    vocabSize: engine.model.vocabSize,
    description: { kernels: engine.model.kernels, threads: engine.model.threads, plannedBytes: engine.model.memory },

    async measure({ ids }, newTokens) {
      const startedAt = performance.now();
      const arrivals = [];
      const chunks = engine.generate(ids, { maxTokens: newTokens, temperature: 0, ignoreEos: true });
      for await (const chunk of chunks) for (const _id of chunk.ids) arrivals.push(performance.now());
      if (arrivals.length !== newTokens) throw new Error(`${arrivals.length} of ${newTokens} tokens came`);
      return {
        prefillMs: arrivals[0] - startedAt,
        decodeMs: arrivals.at(-1) - arrivals[0],
        evaluations: newTokens - 1,
      };
    },

    memory: ownMemory,
    close: () => engine.dispose(),
  };
}
