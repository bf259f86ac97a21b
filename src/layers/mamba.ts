// The Mamba-1 block (arXiv 2312.00752): a short convolution, a selective scan over the state, and a gate.
import { columns } from '../backends/tensors.ts';
import { linear } from './linear.ts';
import type { ModelBuild, Transform } from './model-build.ts';
import { requireRecurrent } from './short-conv.ts';

export interface MambaSizes {
  readonly innerSize: number;
  readonly stateSize: number;
  readonly timeStepRank: number;
  readonly convWidth: number;
}

export function mambaBlock(build: ModelBuild, prefix: string, sizes: MambaSizes): Transform {
  const backend = requireRecurrent(build.backend, 'Mamba layers');
  const { hiddenSize } = build.config;
  const { innerSize, stateSize, timeStepRank, convWidth } = sizes;
  const inProj = linear(build, `${prefix}ssm_in`, hiddenSize, 2 * innerSize);
  const select = linear(build, `${prefix}ssm_x`, innerSize, timeStepRank + 2 * stateSize);
  const timeStep = linear(build, `${prefix}ssm_dt`, timeStepRank, innerSize);
  const outProj = linear(build, `${prefix}ssm_out`, innerSize, hiddenSize);
  const kernel = build.weights.vector(`${prefix}ssm_conv1d.weight`, convWidth * innerSize);
  const bias = build.weights.optionalVector(`${prefix}ssm_conv1d.bias`, innerSize);
  const decay = build.weights.vector(`${prefix}ssm_a`, stateSize * innerSize);
  const skip = build.weights.vector(`${prefix}ssm_d`, innerSize);
  const both = build.scratch('scan input and gate', 2 * innerSize);
  const [input, gate] = [columns(both, 0, innerSize), columns(both, innerSize, innerSize)];
  const x = build.scratch('scan input', innerSize);
  const selected = build.scratch('scan selection', timeStepRank + 2 * stateSize);
  const steps = build.scratch('scan steps', innerSize);
  const scanned = build.scratch('scan output', innerSize);
  const b = columns(selected, timeStepRank, stateSize);
  const c = columns(selected, timeStepRank + stateSize, stateSize);
  const convState = backend.recurrentState((convWidth - 1) * innerSize);
  const scanState = backend.recurrentState(innerSize * stateSize);
  return (out, hidden, batch, into) => {
    const n = batch.numTokens;
    inProj(both, hidden, n);
    backend.shortConv(x, input, kernel, convWidth, bias, convState, batch);
    backend.activate(x, x, 'silu', n);
    select(selected, x, n);
    timeStep(steps, columns(selected, 0, timeStepRank), n);
    backend.selectiveScan(scanned, x, steps, b, c, decay, skip, stateSize, scanState, batch);
    backend.gate(scanned, gate, scanned, 'silu', n);
    outProj(out, scanned, n, into);
  };
}
