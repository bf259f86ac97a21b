// Single measurements of speed through the public API: prefill and decode, at a depth.
import type { GenerateTimings, PromptProgress } from '../engine/types.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { CliEngine } from './command.ts';

/**
 * Prompt tokens per second for `count` tokens after `depth` others. Where depth > 0, the clock starts with the first pass
 * that ends past `depth`, and only what comes after it is counted; where one pass takes it all, its speed is everybody's.
 */
export async function measurePrefill(
  engine: CliEngine,
  count: number,
  depth: number,
  signal: AbortSignal,
): Promise<number> {
  if (depth === 0) return (await timed(engine, count, 1, signal)).prefillTokensPerSecond;
  let start: { readonly at: number; readonly tokens: number } | undefined;
  let end = 0;
  const { prefillTokensPerSecond } = await timed(engine, depth + count, 1, signal, ({ computedTokens, totalTokens }) => {
    end = performance.now();
    if (!start && computedTokens >= depth && computedTokens < totalTokens) start = { at: end, tokens: computedTokens };
  });
  return start ? (1000 * (depth + count - start.tokens)) / (end - start.at) : prefillTokensPerSecond;
}

/** Tokens per second of `count` decode steps after `depth` tokens (one token where depth is 0). */
export async function measureDecode(
  engine: CliEngine,
  count: number,
  depth: number,
  signal: AbortSignal,
): Promise<number> {
  // The first new token comes from the prefill, so it takes one more to make `count` steps.
  return (await timed(engine, Math.max(1, depth), count + 1, signal)).decodeTokensPerSecond;
}

async function timed(
  engine: CliEngine,
  promptTokens: number,
  newTokens: number,
  signal: AbortSignal,
  onPromptProgress?: (progress: PromptProgress) => void,
): Promise<GenerateTimings> {
  const ids = randomIds(promptTokens, engine.model.vocabSize);
  const { timings, ids: made } = await engine.complete(ids, {
    maxTokens: newTokens,
    ignoreEos: true,
    temperature: 0,
    onPromptProgress,
    signal,
  });
  if (made.length === newTokens) return timings;
  throw new InvalidArgumentError(
    `The context ended after ${made.length} of ${newTokens} tokens. Use smaller -p, -n or -d.`,
  );
}

/** The same ids for the same arguments (a linear congruential generator, constants of Numerical Recipes). */
export function randomIds(count: number, vocabSize: number): number[] {
  let state = 42;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabSize);
  });
}

/** Mean and sample standard deviation (0 for one sample). */
export function meanAndDeviation(samples: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  const squares = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: samples.length > 1 ? Math.sqrt(squares / (samples.length - 1)) : 0 };
}
