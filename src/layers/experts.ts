// The mixture-of-experts block: a router, gated experts of which each row uses a few, and optional shared experts.
import type { ExpertsConfig } from '../architectures/config.ts';
import type { ActivationKind, RouteOptions } from '../backends/backend.ts';
import type { Activation, ExpertSelection } from '../backends/tensors.ts';
import { linear } from './linear.ts';
import { gatedMlp } from './mlp.ts';
import type { LayerSite, ModelBuild, Transform } from './model-build.ts';

export interface ExpertsSpec extends LayerSite {
  readonly activation: ActivationKind;
  /** gpt-oss: gates are held under `limit` and sharpened by `alpha`. */
  readonly clampedGate?: { readonly alpha: number; readonly limit: number };
}

/** Experts, or a gated block in the leading dense layers and in models without experts. */
export function expertsOrMlp(build: ModelBuild, spec: ExpertsSpec): Transform {
  const { experts: sizes } = build.config;
  return sizes && spec.index >= sizes.numDenseLayers ? experts(build, sizes, spec) : gatedMlp(build, spec);
}

/** Expert and router biases are used where the file has them. */
function experts(build: ModelBuild, sizes: ExpertsConfig, spec: ExpertsSpec): Transform {
  const { backend, config, weights } = build;
  const { prefix, activation } = spec;
  const { numExperts, numUsed, intermediateSize: size } = sizes;
  const matrices = {
    gate: expertMatrix(build, `${prefix}ffn_gate_exps`, config.hiddenSize, size, numExperts),
    up: expertMatrix(build, `${prefix}ffn_up_exps`, config.hiddenSize, size, numExperts),
    down: expertMatrix(build, `${prefix}ffn_down_exps`, size, config.hiddenSize, numExperts),
  };
  const router = linear(build, `${prefix}ffn_gate_inp`, config.hiddenSize, numExperts);
  const shared = sizes.sharedIntermediateSize > 0
    ? sharedExperts(build, prefix, sizes.sharedIntermediateSize, activation) : undefined;
  const routing: Omit<RouteOptions, 'scale'> = {
    ...sizes, selectionBias: weights.optionalVector(`${prefix}exp_probs_b.bias`, numExperts),
  };
  const logits = build.scratch('router logits', numExperts);
  const selection = expertSelection(build, numExperts, numUsed);
  const [gate, up] = [build.scratch('expert gate', size, numUsed), build.scratch('expert up', size, numUsed)];
  const answers = build.scratch('expert answers', config.hiddenSize, numUsed);
  return (out, x, batch, into) => {
    const n = batch.numTokens;
    router(logits, x, n);
    backend.route(selection, logits, n, { ...routing, scale: sizes.weightsScale * into.scale });
    matrices.gate(gate, x, selection, n);
    matrices.up(up, x, selection, n);
    if (spec.clampedGate) {
      backend.gateClamped(gate, gate, up, spec.clampedGate.alpha, spec.clampedGate.limit, n * numUsed);
    } else {
      backend.gate(gate, gate, up, activation, n * numUsed);
    }
    matrices.down(answers, gate, selection, n, true);
    if (shared) shared(out, x, batch, into);
    else if (!into.accumulate) backend.add(out, x, x, n, -1);
    backend.combineExperts(out, answers, selection, n);
  };
}

type ExpertMatrix = (
  out: Activation, x: Activation, selection: ExpertSelection, n: number, perExpert?: boolean,
) => void;

function expertMatrix(build: ModelBuild, name: string, cols: number, rows: number, numExperts: number): ExpertMatrix {
  const { backend, weights } = build;
  const weight = weights.matrix(`${name}.weight`, cols, rows, numExperts);
  const bias = weights.optionalVector(`${name}.bias`, rows * numExperts);
  return (out, x, selection, n, perExpert = false) => {
    backend.expertMatmul(out, weight, x, selection, n, { perExpert, bias });
  };
}

/** Layers share one selection, as they do scratch memory. */
function expertSelection(build: ModelBuild, numExperts: number, numUsed: number): ExpertSelection {
  return build.once(`expert selection ${numExperts} ${numUsed}`, () => ({
    ids: build.backend.indices(build.limits.maxBatchTokens * numUsed, 'expert ids'),
    weights: build.scratch('expert weights', numUsed),
    numExperts,
    numUsed,
  }));
}

/** Experts that every row uses, in one gated block; scaled per row by σ(ffn_gate_inp_shexp · x) where that gate is. */
function sharedExperts(
  build: ModelBuild, prefix: string, intermediateSize: number, activation: ActivationKind,
): Transform {
  const { backend, config, weights } = build;
  const mlp = gatedMlp(build, { prefix, suffix: '_shexp', intermediateSize, activation });
  if (!weights.has(`${prefix}ffn_gate_inp_shexp.weight`)) return mlp;
  const gate = linear(build, `${prefix}ffn_gate_inp_shexp`, config.hiddenSize, 1);
  const opening = build.scratch('shared expert gate', 1);
  const answer = build.scratch('shared expert answer', config.hiddenSize);
  return (out, x, batch, into) => {
    const n = batch.numTokens;
    gate(opening, x, n);
    backend.activate(opening, opening, 'sigmoid', n);
    mlp(answer, x, batch, { accumulate: false, scale: into.scale });
    backend.multiply(answer, answer, opening, n);
    if (into.accumulate) backend.add(out, out, answer, n);
    else backend.scale(out, answer, 1, n);
  };
}
