// Divides a model's layers among linear memories: as few as hold them, each filled before the next one is begun.
import { OutOfMemoryError } from '../../errors.ts';
import { layOut } from '../memory/layout.ts';
import type { Layout } from '../memory/layout.ts';
import type { ComputePlan } from '../compute/protocol.ts';

/** Linear memory with 32-bit addresses ends here, less one page. */
export const ADDRESSABLE_BYTES = 2 ** 32 - 65536;

export type UnsplitPlan = Omit<ComputePlan, 'shards'>;

/** What the whole model would take in one memory, however large that is. */
export const layOutWhole = (plan: UnsplitPlan): Layout => layOut(plan, { from: 0, to: plan.config.numLayers }, 0, undefined);

/** The plan with which shards, however divided, number the groups of KV layers as `layout` does. */
export function numberingGroups(plan: UnsplitPlan, { kvGroups }: Layout): UnsplitPlan {
  return { ...plan, kv: { ...plan.kv, windows: kvGroups.flatMap(({ window }) => window ?? []) } };
}

/** Divides `whole` into layouts of at most `shardBytes`. Throws OutOfMemoryError where a single layer is more than that. */
export function splitLayers(plan: UnsplitPlan, whole: Layout, shardBytes: number): readonly Layout[] {
  const { numLayers } = plan.config;
  const numbered = numberingGroups(plan, whole);
  const shards: Layout[] = [];
  for (let from = 0; from < numLayers;) {
    const shard = longest(numbered, from, shardBytes);
    shards.push(shard);
    from = shard.layers.to;
  }
  return shards;
}

/** As many layers from `from` on as fit. */
function longest(plan: UnsplitPlan, from: number, shardBytes: number): Layout {
  const tryTo = (to: number): Layout => layOut(plan, { from, to }, 0, undefined);
  let best = tryTo(from + 1);
  if (best.arena.end > shardBytes) throw tooLarge(best, plan.limits.contextLength, shardBytes);
  for (let least = from + 1, most = plan.config.numLayers; least < most;) {
    const to = Math.ceil((least + most) / 2);
    const layout = tryTo(to);
    if (layout.arena.end > shardBytes) {
      most = to - 1;
    } else {
      best = layout;
      least = to;
    }
  }
  return best;
}

/** In the unit of plans. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function tooLarge({ arena, layers, tensors }: Layout, contextLength: number, shardBytes: number): OutOfMemoryError {
  const [largest] = [...tensors].sort((a, b) => b.byteLength - a.byteLength);
  return new OutOfMemoryError(
    arena.end, shardBytes,
    `Layer ${layers.from} with its part of a context of ${contextLength} tokens takes ${megabytes(arena.end)}, and one WebAssembly ` +
      `memory holds ${megabytes(shardBytes)}. (Its largest tensor is "${largest!.name}", ${megabytes(largest!.byteLength)}.) ` +
      'Use a smaller contextLength, a stronger quantization or a smaller model.',
  );
}
