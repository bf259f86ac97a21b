// The tokens still in the running: ids and logits, likeliest first, and what the truncating samplers do to them.
// Semantics follow the papers and llama.cpp's chain; ties go to the lower id.
import type { Random } from './random.ts';

export interface Candidate {
  readonly id: number;
  logit: number;
  /** Set by `normalize`. */
  probability: number;
}

const byLogit = (a: Candidate, b: Candidate): number => b.logit - a.logit || a.id - b.id;

/** The `count` greatest logits as sorted candidates: a bounded heap, so a 262k vocabulary costs one pass. */
export function topCandidates(logits: Float32Array, count: number): Candidate[] {
  if (count >= logits.length / 4) {
    const all: Candidate[] = [];
    for (let id = 0; id < logits.length; id++) if (logits[id]! > -Infinity) all.push({ id, logit: logits[id]!, probability: 0 });
    return all.sort(byLogit).slice(0, count);
  }
  const heap: Candidate[] = [];
  // The root is the worst kept candidate: the lowest logit, the highest id among equals.
  const worse = (a: Candidate, b: Candidate): boolean => a.logit < b.logit || (a.logit === b.logit && a.id > b.id);
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (heap.length === count && !(logit > heap[0]!.logit)) continue;
    if (!(logit > -Infinity)) continue;
    const candidate = { id, logit, probability: 0 };
    if (heap.length < count) {
      heap.push(candidate);
      siftUp(heap, worse);
    } else {
      heap[0] = candidate;
      siftDown(heap, worse);
    }
  }
  return heap.sort(byLogit);
}

function siftUp(heap: Candidate[], worse: (a: Candidate, b: Candidate) => boolean): void {
  for (let i = heap.length - 1; i > 0;) {
    const parent = (i - 1) >> 1;
    if (!worse(heap[i]!, heap[parent]!)) return;
    [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
    i = parent;
  }
}

function siftDown(heap: Candidate[], worse: (a: Candidate, b: Candidate) => boolean): void {
  for (let i = 0; ;) {
    let worst = i;
    for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && worse(heap[child]!, heap[worst]!)) worst = child;
    if (worst === i) return;
    [heap[i], heap[worst]] = [heap[worst]!, heap[i]!];
    i = worst;
  }
}

/** Probabilities of sorted candidates. */
export function normalize(candidates: readonly Candidate[]): void {
  const highest = candidates[0]!.logit;
  let sum = 0;
  for (const candidate of candidates) sum += candidate.probability = Math.exp(candidate.logit - highest);
  for (const candidate of candidates) candidate.probability /= sum;
}

/** The shortest head with at least mass `p` (Holtzman et al. 2019). */
export function topP(candidates: Candidate[], p: number): Candidate[] {
  if (p >= 1) return candidates;
  normalize(candidates);
  let mass = 0;
  const last = candidates.findIndex((candidate) => (mass += candidate.probability) >= p);
  return last < 0 ? candidates : candidates.slice(0, last + 1);
}

/** Those at least `p` times as likely as the likeliest. */
export function minP(candidates: Candidate[], p: number): Candidate[] {
  if (p <= 0) return candidates;
  const least = candidates[0]!.logit + Math.log(p);
  return candidates.filter((candidate, i) => i === 0 || candidate.logit >= least);
}

/** Those whose surprise is closest to the entropy, up to mass `p`; sorted by likelihood again. */
export function typicalP(candidates: Candidate[], p: number): Candidate[] {
  if (p >= 1) return candidates;
  normalize(candidates);
  let entropy = 0;
  for (const { probability } of candidates) if (probability > 0) entropy -= probability * Math.log(probability);
  const distance = ({ probability }: Candidate): number => Math.abs(-Math.log(probability) - entropy);
  const typical = [...candidates].sort((a, b) => distance(a) - distance(b) || a.id - b.id);
  let mass = 0;
  const last = typical.findIndex((candidate) => (mass += candidate.probability) > p);
  return (last < 0 ? typical : typical.slice(0, last + 1)).sort(byLogit);
}

/** With the given chance, drops every candidate above the threshold but the least likely of them. */
export function xtc(candidates: Candidate[], probability: number, threshold: number, random: Random): Candidate[] {
  if (probability <= 0 || threshold > 0.5 || candidates.length < 2) return candidates;
  if (random.next() > probability) return candidates;
  normalize(candidates);
  const above = candidates.filter((candidate) => candidate.probability >= threshold).length;
  return above >= 2 ? candidates.slice(above - 1) : candidates;
}

/** One candidate by its probability. */
export function draw(candidates: readonly Candidate[], random: Random): Candidate {
  normalize(candidates);
  let rest = random.next();
  for (const candidate of candidates) {
    rest -= candidate.probability;
    if (rest < 0) return candidate;
  }
  return candidates.at(-1)!;
}
