// A load plan as `clawdbot inspect --plan` prints it.
import type { LoadPlan } from '../engine/load/load-types.ts';
import { formatBytes } from '../sources/failures.ts';
import { formatCount, printable, table } from './format.ts';

export function planAsText(plan: LoadPlan): string {
  const { memory, draftModel } = plan;
  const longer = plan.contextLength > plan.trainedContextLength ? `, trained for ${plan.trainedContextLength}` : '';
  return table([
    ['name', printable(plan.name)],
    ['architecture', printable(plan.architecture)],
    ['parameters', formatCount(plan.numParameters)],
    ['context', `${plan.contextLength} tokens${longer}`],
    ['keys and values', `${plan.kvType}, ${formatBytes(memory.kvBytesPerToken)} per token`],
    ['', ''],
    ['weights', formatBytes(memory.weightBytes)],
    ['keys and values', `${formatBytes(memory.kvBytes)} for one full context`],
    ['scratch', `${formatBytes(memory.scratchBytes)} on ${plan.threads} threads`],
    ['together', formatBytes(memory.usedBytes)],
    ['never more than', `${formatBytes(memory.reservedBytes)} (${plan.numSequences} contexts at a time)`],
    ...(draftModel ? [['draft model', `${formatBytes(draftModel.memory.usedBytes)} (${printable(draftModel.name)})`]] : []),
    ['may use', formatBytes(plan.maxMemory)],
    ['largest context', `${plan.largestContextLength} tokens of ${plan.kvType} fit, one at a time` +
      (plan.largestContextLength > plan.trainedContextLength ? ` (trained for ${plan.trainedContextLength})` : '')],
  ]);
}
