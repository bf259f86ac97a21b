// How long, how often and until what a request generates, as the engine's options.
import type { z } from 'zod';
import type { GenerateOptions } from '../../../engine/types.ts';
import { invalidRequest } from '../../api-error.ts';
import type { Served } from '../../requests/exchange.ts';
import { samplingOptions } from './sampling.ts';
import type { SAMPLING } from '../schemas.ts';

type SamplingRequest = { readonly [K in keyof typeof SAMPLING]?: z.infer<(typeof SAMPLING)[K]> };

export function generateOptions(request: SamplingRequest, served: Pick<Served, 'engine' | 'defaults' | 'signal' | 'contextPolicy'>): GenerateOptions {
  const { signal, contextPolicy } = served;
  return { ...samplingOptions(request, served), n: request.n ?? 1, stop: request.stop ?? undefined, contextPolicy, signal };
}

/** The limit that a request names, whichever name it takes; undefined for none, as is -1. Throws ApiError where two contradict each other. */
export function tokenLimit(names: Readonly<Record<string, number | null | undefined>>): number | undefined {
  const given = Object.entries(names).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  const [first] = given;
  const other = given.find(([, limit]) => limit !== first![1]);
  if (other) throw invalidRequest(`${first![0]} and ${other[0]} contradict each other.`, first![0]);
  return first === undefined || first[1] === -1 ? undefined : first[1];
}
