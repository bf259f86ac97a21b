// Mixture of experts: the choice of experts per row and the weighted sum of what they say.
import type { RouteOptions } from '../backend.ts';
import type { Activation, ExpertSelection } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';
import { indicesOf, rowOf, valuesOf } from './memory.ts';

/** A sum of weights below this (the smallest normal half float) counts as this. */
const MIN_WEIGHT_SUM = 2 ** -14;

export function route(
  memory: ReferenceMemory, selection: ExpertSelection, logits: Activation, n: number, options: RouteOptions,
): void {
  const { numUsed } = selection;
  const bias = options.selectionBias && valuesOf(memory, options.selectionBias);
  const ids = indicesOf(memory, selection.ids, n * numUsed);
  for (let r = 0; r < n; r++) {
    const row = [...rowOf(memory, logits, r)];
    const probabilities = options.gating === 'softmax' ? softmax(row)
      : options.gating === 'sigmoid' ? row.map((x) => 1 / (1 + Math.exp(-x))) : row;
    const preferences = allowedGroups(probabilities.map((p, expert) => p + (bias ? bias[expert] : 0)), options);
    const chosen = largest(preferences, numUsed);
    const picked = chosen.map((expert) => probabilities[expert]);
    let weights = options.gating === 'softmax_selected' ? softmax(picked) : picked;
    if (options.normalize) {
      const sum = Math.max(weights.reduce((a, b) => a + b, 0), MIN_WEIGHT_SUM);
      weights = weights.map((weight) => weight / sum);
    }
    ids.set(chosen, r * numUsed);
    rowOf(memory, selection.weights, r).set(weights.map((weight) => weight * options.scale));
  }
}

export function combineExperts(
  memory: ReferenceMemory, out: Activation, y: Activation, selection: ExpertSelection, n: number,
): void {
  const { numUsed } = selection;
  for (let r = 0; r < n; r++) {
    const target = rowOf(memory, out, r);
    const weights = rowOf(memory, selection.weights, r);
    const sum = new Float64Array(target.length);
    for (let j = 0; j < numUsed; j++) {
      const answer = rowOf(memory, y, r * numUsed + j);
      for (let i = 0; i < sum.length; i++) sum[i] += weights[j] * answer[i];
    }
    for (let i = 0; i < sum.length; i++) target[i] += sum[i];
  }
}

/** Preferences with those outside the best groups made −∞. */
function allowedGroups(preferences: readonly number[], options: RouteOptions): readonly number[] {
  const { numGroups = 1, topGroups = numGroups, selectionBias } = options;
  if (numGroups <= 1) return preferences;
  const size = preferences.length / numGroups;
  const scores = Array.from({ length: numGroups }, (_, group) => {
    const members = preferences.slice(group * size, (group + 1) * size);
    return largest(members, selectionBias ? 2 : 1).reduce((sum, member) => sum + members[member], 0);
  });
  const allowed = new Set(largest(scores, topGroups));
  return preferences.map((value, expert) => (allowed.has(Math.floor(expert / size)) ? value : -Infinity));
}

/** Indices of the `count` largest values, largest first; ties go to the lower index. */
function largest(values: readonly number[], count: number): number[] {
  return [...values.keys()].sort((a, b) => values[b] - values[a] || a - b).slice(0, count);
}

function softmax(values: readonly number[]): number[] {
  const highest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = values.map((value) => Math.exp(value - highest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
