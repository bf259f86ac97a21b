// The native side of the comparison: llama.cpp through node-llama-cpp's prebuilt CPU binary.
import { readFileSync } from 'node:fs';
import { timesOf } from './arrivals.mjs';
import { ownMemory } from './process-memory.mjs';

export async function version() {
  const manifest = new URL('../node_modules/node-llama-cpp/package.json', import.meta.url);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

export async function load({ model: modelPath, threads, contextLength }) {
  const { getLlama } = await import('node-llama-cpp');
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: threads });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: contextLength, batchSize: Math.min(512, contextLength), threads: { ideal: threads, min: threads },
  });
  // Checkpoints of sliding-window layers cost time that the other sides do not spend.
  const sequence = context.getSequence({ checkpoints: { max: 0, interval: false } });
  return {
    vocabSize: model.fileInfo.metadata.tokenizer.ggml.tokens.length,
    description: { threads: context.currentThreads, systemInfo: llama.systemInfo },

    async measure({ ids }, newTokens) {
      await sequence.clearHistory();
      const startedAt = performance.now();
      const arrivals = [];
      for await (const _id of sequence.evaluate([...ids], { temperature: 0, yieldEogToken: true })) {
        arrivals.push(performance.now());
        if (arrivals.length === newTokens) break;
      }
      return timesOf(arrivals, startedAt, newTokens);
    },

    memory: ownMemory,
    close: () => llama.dispose(),
  };
}
