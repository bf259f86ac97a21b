// The sampling chain a second time, slowly: every step over a fully sorted list in double precision, written from the
// papers (Keskar 2019, Holtzman 2019, Basu 2021, Meister 2022), the authors' descriptions of min-p, XTC and DRY, and
// the behaviour that llama.cpp's default chain documents. It shares no code with src/engine/sampler.
import type { SamplingOptions } from '../../src/engine/sampler/options.ts';

export interface Token {
  readonly id: number;
  readonly logit: number;
  readonly p: number;
}

/** Tokens that can be chosen, likeliest first, the lower id first among equals, with their probabilities. */
export function softmax(tokens: readonly { readonly id: number; readonly logit: number }[]): Token[] {
  const sorted = tokens.filter(({ logit }) => logit > -Infinity).sort((a, b) => b.logit - a.logit || a.id - b.id);
  const powers = sorted.map(({ logit }) => Math.exp(logit - sorted[0].logit));
  const sum = powers.reduce((a, b) => a + b, 0);
  return sorted.map(({ id, logit }, i) => ({ id, logit, p: powers[i] / sum }));
}

export const fromLogits = (logits: ArrayLike<number>): Token[] =>
  softmax(Array.from(logits, (logit, id) => ({ id, logit })));

export const topK = (tokens: readonly Token[], k: number): Token[] => softmax(k === 0 ? tokens : tokens.slice(0, k));

/** Shortest head of mass p or more; a hair less counts, as sums of rounded numbers go. */
export function topP(tokens: readonly Token[], p: number): Token[] {
  if (p >= 1) return [...tokens];
  let mass = 0;
  const head: Token[] = [];
  for (const token of tokens) {
    head.push(token);
    mass += token.p;
    if (mass >= p - 1e-12) break;
  }
  return softmax(head);
}

export const minP = (tokens: readonly Token[], p: number): Token[] =>
  softmax(tokens.filter((token) => token.p >= p * tokens[0].p * (1 - 1e-12)));

export function typical(tokens: readonly Token[], p: number): Token[] {
  if (p >= 1) return [...tokens];
  const entropy = tokens.reduce((sum, token) => (token.p > 0 ? sum - token.p * Math.log(token.p) : sum), 0);
  const distance = (token: Token): number => Math.abs(-Math.log(token.p) - entropy);
  // Equal probabilities are equally typical, whatever rounding says.
  const order = [...tokens].sort((a, b) => (a.logit === b.logit ? a.id - b.id : distance(a) - distance(b)));
  let mass = 0;
  const kept: Token[] = [];
  for (const token of order) {
    kept.push(token);
    mass += token.p;
    if (mass > p) break;
  }
  return softmax(kept);
}

/** What XTC leaves when its chance comes up. */
export function xtc(tokens: readonly Token[], threshold: number): Token[] {
  const top = tokens.filter((token) => token.p >= threshold * (1 - 1e-12));
  return top.length < 2 ? [...tokens] : softmax(tokens.slice(top.length - 1));
}

export const atTemperature = (tokens: readonly Token[], temperature: number): Token[] =>
  softmax(tokens.map(({ id, logit }) => ({ id, logit: logit / temperature })));

export function withPenalties(
  logits: Float32Array, history: readonly number[], options: SamplingOptions,
): Float32Array {
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0, penaltyLastN = 64 } = options;
  const window = penaltyLastN === -1 ? history : history.filter((_, i) => i >= history.length - penaltyLastN);
  return logits.map((logit, id) => {
    const count = window.filter((other) => other === id).length;
    if (count === 0) return logit;
    const repeated = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    return repeated - frequencyPenalty * count - presencePenalty;
  });
}

/** For each id, by trying: the longest end of the sequence that also occurs earlier right before that id. */
export function withDry(logits: Float32Array, history: readonly number[], options: SamplingOptions): Float32Array {
  const { dryMultiplier = 0, dryBase = 1.75, dryAllowedLength = 2, dryPenaltyLastN = -1 } = options;
  const breakers = options.drySequenceBreakers ?? [];
  const window = dryPenaltyLastN === -1 ? history : history.filter((_, i) => i >= history.length - dryPenaltyLastN);
  const adjusted = logits.slice();
  for (const id of new Set(window)) {
    if (breakers.includes(id)) continue;
    let longest = 0;
    for (let at = 1; at < window.length; at++) {
      if (window[at] !== id) continue;
      let length = 0;
      while (
        length < at && window[at - 1 - length] === window[window.length - 1 - length] &&
        !breakers.includes(window[at - 1 - length])
      ) length++;
      longest = Math.max(longest, length);
    }
    if (longest >= dryAllowedLength) adjusted[id] -= dryMultiplier * dryBase ** (longest - dryAllowedLength);
  }
  return adjusted;
}

/** Bias, penalties and DRY: what the truncations see. */
export function adjusted(logits: Float32Array, history: readonly number[], options: SamplingOptions): Float32Array {
  const biased = logits.map((logit, id) => logit + (options.logitBias?.[id] ?? 0));
  return withDry(withPenalties(biased, history, options), history, options);
}

/** The distribution that the default chain draws from; `excludes` says whether XTC's chance came up. */
export function chain(logits: Float32Array, options: SamplingOptions, excludes: boolean): Token[] {
  let tokens = topK(fromLogits(logits), options.topK ?? 40);
  tokens = typical(tokens, options.typicalP ?? 1);
  tokens = topP(tokens, options.topP ?? 0.95);
  tokens = minP(tokens, options.minP ?? 0.05);
  if (excludes) tokens = xtc(tokens, options.xtcThreshold ?? 0.1);
  return atTemperature(tokens, options.temperature ?? 0.8);
}

/** Mirostat v2: what is drawn from when the bound on surprise is `mu` bits. */
export function mirostat(logits: Float32Array, mu: number, temperature: number): Token[] {
  const tokens = atTemperature(fromLogits(logits), temperature);
  const unsurprising = tokens.filter((token) => -Math.log2(token.p) <= mu);
  return softmax(unsurprising.length > 0 ? unsurprising : tokens.slice(0, 1));
}

/** The token at `u` of the cumulative distribution in order of id, or undefined where rounding could decide. */
export function tokenAt(tokens: readonly Token[], u: number): number | undefined {
  let passed = 0;
  for (const { id, p } of [...tokens].sort((a, b) => a.id - b.id)) {
    passed += p;
    if (Math.abs(passed - u) < 1e-8) return undefined;
    if (passed > u) return id;
  }
  return undefined;
}
