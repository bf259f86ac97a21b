// The gated short convolution of LFM 2: two gates around a causal convolution of a few rows.
import type { Backend } from '../backends/backend.ts';
import { columns } from '../backends/tensors.ts';
import { UnsupportedModelError } from '../errors.ts';
import { linear } from './linear.ts';
import type { ModelBuild, Transform } from './model-build.ts';

/** A backend whose optional operations on recurrent state are there. */
export type RecurrentBackend = Required<Backend>;

export function requireRecurrent(backend: Backend, what: string): RecurrentBackend {
  if (backend.recurrentState && backend.shortConv && backend.selectiveScan) return backend as RecurrentBackend;
  throw new UnsupportedModelError(
    `${what} need a backend with recurrent state, which "${backend.name}" has not. Use another device.`,
  );
}

/** out = outProj(c · conv(b · x)) with [b, c, x] = inProj(input). */
export function gatedShortConv(build: ModelBuild, prefix: string, width: number): Transform {
  const backend = requireRecurrent(build.backend, 'Short convolutions');
  const { hiddenSize } = build.config;
  const inProj = linear(build, `${prefix}shortconv.in_proj`, hiddenSize, 3 * hiddenSize);
  const outProj = linear(build, `${prefix}shortconv.out_proj`, hiddenSize, hiddenSize);
  const kernel = build.weights.vector(`${prefix}shortconv.conv.weight`, width * hiddenSize);
  const all = build.scratch('convolution input', 3 * hiddenSize);
  const [b, c, x] = [0, 1, 2].map((part) => columns(all, part * hiddenSize, hiddenSize));
  const mixed = build.scratch('convolution output', hiddenSize);
  const state = backend.recurrentState((width - 1) * hiddenSize);
  return (out, input, batch, into) => {
    const n = batch.numTokens;
    inProj(all, input, n);
    backend.multiply(x, b, x, n);
    backend.shortConv(mixed, x, kernel, width, undefined, state, batch);
    backend.multiply(mixed, mixed, c, n);
    outProj(out, mixed, n, into);
  };
}
