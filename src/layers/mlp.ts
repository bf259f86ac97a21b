// Feed-forward blocks: gated (gate, up, down) and plain (up, down).
import type { ActivationKind } from '../backends/backend.ts';
import { columns } from '../backends/tensors.ts';
import type { StackPart } from './linear.ts';
import { linear, stackedLinear } from './linear.ts';
import type { ModelBuild, Transform } from './model-build.ts';

export interface MlpSpec {
  /** Name before the tensors', as in `blk.0.`. */
  readonly prefix: string;
  readonly intermediateSize: number;
  readonly activation: ActivationKind;
  /** Name after the tensors', as in `_shexp`. */
  readonly suffix?: string;
}

/** down(f(gate(x)) · up(x)); gate and up may be one tensor `ffn_up` of both, gate first. */
export function gatedMlp(build: ModelBuild, spec: MlpSpec): Transform {
  const { backend, config } = build;
  const { prefix, suffix = '', intermediateSize, activation } = spec;
  const project = stackedLinear(build, config.hiddenSize, gateAndUp(build, spec));
  const down = linear(build, `${prefix}ffn_down${suffix}`, intermediateSize, config.hiddenSize);
  const both = build.scratch('gate and up', 2 * intermediateSize);
  const [gate, up] = [columns(both, 0, intermediateSize), columns(both, intermediateSize, intermediateSize)];
  const gated = build.scratch('gated', intermediateSize);
  return (out, x, batch, into) => {
    const n = batch.numTokens;
    project(both, x, n);
    backend.gate(gated, gate, up, activation, n);
    down(out, gated, n, into);
  };
}

function gateAndUp(build: ModelBuild, { prefix, suffix = '', intermediateSize }: MlpSpec): readonly StackPart[] {
  const up = `${prefix}ffn_up${suffix}`;
  const gate = `${prefix}ffn_gate${suffix}`;
  if (!build.weights.has(`${gate}.weight`)) return [{ name: up, rows: 2 * intermediateSize }];
  return [{ name: gate, rows: intermediateSize }, { name: up, rows: intermediateSize }];
}

/** down(f(up(x))). */
export function plainMlp(build: ModelBuild, { prefix, suffix = '', intermediateSize, activation }: MlpSpec): Transform {
  const { backend, config } = build;
  const up = linear(build, `${prefix}ffn_up${suffix}`, config.hiddenSize, intermediateSize);
  const down = linear(build, `${prefix}ffn_down${suffix}`, intermediateSize, config.hiddenSize);
  const inner = build.scratch('feed-forward', intermediateSize);
  return (out, x, batch, into) => {
    const n = batch.numTokens;
    up(inner, x, n);
    backend.activate(inner, inner, activation, n);
    down(out, inner, n, into);
  };
}
