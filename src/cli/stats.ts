// The line of speeds after an answer.
import type { ModelInfo } from '../engine/load/load-types.ts';
import type { GenerateTimings } from '../engine/types.ts';

/** "[24 + 12 tokens · prefill 310 tok/s · decode 61.2 tok/s · first token 81 ms …]" and the end of the line. */
export function statsLine(timings: GenerateTimings, model: ModelInfo, seed?: number): string {
  const facts = [
    `${timings.promptTokens}${timings.cachedTokens > 0 ? ` (${timings.cachedTokens} cached)` : ''} + ${timings.newTokens} tokens`,
    `prefill ${timings.prefillTokensPerSecond.toFixed(1)} tok/s`,
    `decode ${timings.decodeTokensPerSecond.toFixed(1)} tok/s`,
    ...(timings.draftTokens > 0 ? [`${timings.acceptedDraftTokens} of ${timings.draftTokens} drafts right`] : []),
    `first token ${Math.round(timings.ttftMs)} ms`,
    `load ${Math.round(model.loadMs)} ms`,
    `${model.threads} threads`,
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ];
  return `[${facts.join(' · ')}]\n`;
}
