// The clawdbot side of the comparison: this package's built API in this process, its compute threads being workers.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { timesOf } from './arrivals.mjs';
import { ownMemory } from './process-memory.mjs';

const DIST = process.env.CLAWDBOT_DIST ?? new URL('../../../dist/index.js', import.meta.url).pathname;

export async function version() {
  const { version: own } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  return own;
}

export async function load({ model, threads, contextLength }) {
  const { Engine } = await import(pathToFileURL(DIST).href);
  const engine = await Engine.load(model, { threads, contextLength, offline: true, prefixCacheBytes: 0 });
  return {
    vocabSize: engine.model.vocabSize,
    description: { kernels: engine.model.kernels, threads: engine.model.threads, plannedBytes: engine.model.memory },

    async measure({ ids }, newTokens) {
      const startedAt = performance.now();
      const arrivals = [];
      const chunks = engine.generate(ids, { maxTokens: newTokens, temperature: 0, ignoreEos: true });
      for await (const chunk of chunks) for (const _id of chunk.ids) arrivals.push(performance.now());
      return timesOf(arrivals, startedAt, newTokens);
    },

    memory: ownMemory,
    close: () => engine.dispose(),
  };
}
