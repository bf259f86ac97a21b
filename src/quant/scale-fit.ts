// Finding the scale (and offset) at which rounding loses least of a group of values; K-quants build on it.
import { clamp, largest, roundHalfEven } from './block-format.ts';

/** Tenths of a level off the first guess that a symmetric search tries; the guess itself comes first (as upstream). */
const SYMMETRIC_STEPS = [0, ...Array.from({ length: 19 }, (_, k) => k - 9)];
/** Keeps rounding noise from replacing an exact guess, which a block of equal values has. */
const CLEARLY_BETTER = 1 + 1e-9;
/** Most passes of moving single values to a better level (as upstream). */
const REFINEMENT_PASSES = 5;

/** The scale for values as scale * q, q in -half … half - 1, by trying many; errors weigh with the value's square. */
export function searchSymmetricScale(values: Float32Array, half: number): number {
  const extreme = largest(values);
  let best = { scale: 0, gain: 0 };
  for (const step of extreme === 0 ? [] : SYMMETRIC_STEPS) {
    const factor = -(half + 0.1 * step) / extreme;
    let valueLevel = 0;
    let levelLevel = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      const level = clamp(roundHalfEven(value * factor), -half, half - 1);
      valueLevel += value * value * value * level;
      levelLevel += value * value * level * level;
    }
    const scale = valueLevel / levelLevel;
    if (scale * valueLevel > best.gain * CLEARLY_BETTER) best = { scale, gain: scale * valueLevel };
  }
  return best.scale;
}

/** The same by moving single values from the first guess; better than a search where levels are few. */
export function refineSymmetricScale(values: Float32Array, half: number): number {
  const extreme = largest(values);
  if (extreme === 0) return 0;
  const levels = Int32Array.from(values, (value) => clamp(roundHalfEven((value * -half) / extreme), -half, half - 1));
  const { valueLevel, levelLevel } = refineLevels(values, levels, half);
  return levelLevel > 0 ? valueLevel / levelLevel : 0;
}

interface WeightedSums {
  /** Sum of w * x * q. */
  valueLevel: number;
  /** Sum of w * q * q. */
  levelLevel: number;
}

function sumsOf(values: Float32Array, levels: Int32Array): WeightedSums {
  const sums = { valueLevel: 0, levelLevel: 0 };
  for (let i = 0; i < values.length; i++) addTo(sums, values[i], levels[i], 1);
  return sums;
}

function addTo(sums: WeightedSums, value: number, level: number, sign: 1 | -1): void {
  const weight = sign * value * value;
  sums.valueLevel += weight * value * level;
  sums.levelLevel += weight * level * level;
}

/** Moves each value to the level that is best for the scale that all the others want, until none moves. */
function refineLevels(values: Float32Array, levels: Int32Array, half: number): WeightedSums {
  const sums = sumsOf(values, levels);
  for (let pass = 0; pass < REFINEMENT_PASSES; pass++) {
    let moved = false;
    for (let i = 0; i < values.length; i++) moved = moveOne(values[i], levels, i, half, sums) || moved;
    if (!moved) break;
  }
  return sums;
}

function moveOne(value: number, levels: Int32Array, i: number, half: number, sums: WeightedSums): boolean {
  const others = { ...sums };
  addTo(others, value, levels[i], -1);
  if (!(others.valueLevel > 0)) return false;
  const level = clamp(roundHalfEven((value * others.levelLevel) / others.valueLevel), -half, half - 1);
  if (level === levels[i]) return false;
  addTo(others, value, level, 1);
  const better = others.levelLevel > 0 &&
    others.valueLevel ** 2 * sums.levelLevel > sums.valueLevel ** 2 * others.levelLevel;
  if (!better) return false;
  levels[i] = level;
  Object.assign(sums, others);
  return true;
}

export interface RangeFit {
  /** Greatest level. */
  readonly top: number;
  /** Scales that are tried: (top + firstStep + 0.1 * k) levels over the range, k = 0 … steps. */
  readonly firstStep: number;
  readonly steps: number;
  /** Judge by absolute errors instead of squares. */
  readonly absolute: boolean;
}

/** The scale and min (both ≥ 0) for values as scale * q - min with q in 0 … top. */
export function fitScaleAndMin(values: Float32Array, weights: Float32Array, fit: RangeFit): [number, number] {
  const low = Math.min(0, ...values);
  const high = Math.max(...values);
  if (!(high > low)) return [0, -low];
  let best = { scale: (high - low) / fit.top, low, error: Infinity };
  best.error = errorOf(values, weights, fit, best.scale, low);
  for (let k = 0; k <= fit.steps; k++) {
    // Each try starts from the best offset so far, not from the least value.
    const factor = (fit.top + fit.firstStep + 0.1 * k) / (high - best.low);
    const solved = solve(values, weights, fit.top, factor, best.low);
    if (!solved) continue;
    const error = errorOf(values, weights, fit, solved.scale, solved.low, factor, best.low);
    if (error < best.error) best = { ...solved, error };
  }
  return [best.scale, -best.low];
}

/** Weighted least squares of scale and offset for the levels that `factor` gives; the offset is kept ≤ 0. */
function solve(values: Float32Array, weights: Float32Array, top: number, factor: number, low: number) {
  let w = 0, wx = 0, wq = 0, wqq = 0, wxq = 0;
  for (let i = 0; i < values.length; i++) {
    const q = clamp(roundHalfEven(factor * (values[i] - low)), 0, top);
    const weight = weights[i];
    w += weight;
    wx += weight * values[i];
    wq += weight * q;
    wqq += weight * q * q;
    wxq += weight * values[i] * q;
  }
  const determinant = w * wqq - wq * wq;
  if (!(determinant > 0)) return undefined;
  const offset = (wqq * wx - wq * wxq) / determinant;
  if (offset > 0) return { scale: wxq / wqq, low: 0 };
  return { scale: (w * wxq - wx * wq) / determinant, low: offset };
}

/** The error of `scale` and `low` on the levels that `factor` and `levelsLow` give (by default their own). */
function errorOf(
  values: Float32Array, weights: Float32Array, fit: RangeFit, scale: number, low: number,
  factor = 1 / scale, levelsLow = low,
): number {
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const q = clamp(roundHalfEven(factor * (values[i] - levelsLow)), 0, fit.top);
    const difference = scale * q + low - values[i];
    error += weights[i] * (fit.absolute ? Math.abs(difference) : difference * difference);
  }
  return error;
}
