// Plans of models past 4 GiB, from headers alone: which layers go where, and what each memory then takes.
import { describe, expect, it } from 'vitest';
import { planModel } from '../../src/engine/load/model-plan.ts';
import type { ModelPlan } from '../../src/engine/load/model-plan.ts';
import { OutOfMemoryError } from '../../src/errors.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import type { GgufFile } from '../../src/gguf/reader.ts';
import { tensorBytes, writeGgufTo } from '../../src/gguf/writer.ts';
import type { TensorInput } from '../../src/gguf/writer.ts';

const GIB = 2 ** 30;
const ZEROS = new Uint8Array(2 ** 26);

interface Shape {
  readonly hidden: number; readonly layers: number; readonly heads: number; readonly kvHeads: number;
  readonly intermediate: number; readonly vocab: number; readonly tied?: boolean; readonly type: GgmlType;
}

const SHAPES = {
  '7B Q4_0': { hidden: 4096, layers: 32, heads: 32, kvHeads: 32, intermediate: 11008, vocab: 32000, type: 'Q4_0' },
  '8B Q8_0': { hidden: 4096, layers: 32, heads: 32, kvHeads: 8, intermediate: 14336, vocab: 128256, type: 'Q8_0' },
  '70B Q4_0': { hidden: 8192, layers: 80, heads: 64, kvHeads: 8, intermediate: 28672, vocab: 128256, type: 'Q4_0' },
  'tied 9B Q8_0': { hidden: 4096, layers: 36, heads: 32, kvHeads: 8, intermediate: 14336, vocab: 256000, tied: true, type: 'Q8_0' },
} satisfies Record<string, Shape>;

function tensor(name: string, type: GgmlType, ...shape: number[]): TensorInput {
  return {
    name, type, shape,
    *bytes() {
      for (let left = tensorBytes(type, shape); left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
    },
  };
}

/** The header of a llama of that shape; its tensors lie past the end of what is there to be read. */
async function llama({ hidden, layers, heads, kvHeads, intermediate, vocab, tied, type }: Shape): Promise<GgufFile> {
  const kv = (hidden / heads) * kvHeads;
  const written: Uint8Array[] = [];
  let size = 0;
  await writeGgufTo((bytes) => {
    if (bytes.buffer !== ZEROS.buffer && size === 0) written.push(bytes.slice());
    size += bytes.length;
  }, {
    metadata: [
      ['general.architecture', 'llama'],
      ['llama.context_length', 8192], ['llama.embedding_length', hidden], ['llama.block_count', layers],
      ['llama.feed_forward_length', intermediate], ['llama.rope.dimension_count', hidden / heads],
      ['llama.attention.head_count', heads], ['llama.attention.head_count_kv', kvHeads],
      ['llama.attention.layer_norm_rms_epsilon', { type: 'f32', value: 1e-5 }],
    ],
    tensors: [
      tensor('token_embd.weight', type, hidden, vocab),
      ...Array.from({ length: layers }, (_, i) => [
        tensor(`blk.${i}.attn_norm.weight`, 'F32', hidden),
        tensor(`blk.${i}.attn_q.weight`, type, hidden, hidden),
        tensor(`blk.${i}.attn_k.weight`, type, hidden, kv),
        tensor(`blk.${i}.attn_v.weight`, type, hidden, kv),
        tensor(`blk.${i}.attn_output.weight`, type, hidden, hidden),
        tensor(`blk.${i}.ffn_norm.weight`, 'F32', hidden),
        tensor(`blk.${i}.ffn_gate.weight`, type, hidden, intermediate),
        tensor(`blk.${i}.ffn_up.weight`, type, hidden, intermediate),
        tensor(`blk.${i}.ffn_down.weight`, type, intermediate, hidden),
      ]).flat(),
      tensor('output_norm.weight', 'F32', hidden),
      ...(tied ? [] : [tensor('output.weight', type, hidden, vocab)]),
    ],
  });
  const beginning = new Uint8Array(2 ** 20);
  beginning.set(written[0]!);
  return readGguf({ ...bytesSource(beginning), size });
}

/** Where each tensor lies, but for the small ones that every shard has. */
function placesOf({ layouts }: ModelPlan): Map<string, number[]> {
  const places = new Map<string, number[]>();
  layouts.forEach(({ tensors }, shard) => tensors.forEach(({ name }) => places.set(name, [...(places.get(name) ?? []), shard])));
  places.delete('output_norm.weight');
  return places;
}

describe.each(Object.entries(SHAPES))('%s', (_, shape: Shape) => {
  it('is divided into contiguous ranges of layers that fit, none of which another layer would fit into', async () => {
    const file = await llama(shape);
    const planned = planModel(file, { contextLength: 4096 }, 2, 128 * GIB);
    const { shards } = planned.plan;
    expect(shards[0]!.from).toBe(0);
    expect(shards.at(-1)!.to).toBe(shape.layers);
    shards.slice(1).forEach(({ from }, i) => expect(from).toBe(shards[i]!.to));
    const bytesOfLayer = (index: number): number => planned.kvBytes / shape.layers +
      file.tensors.reduce((sum, { name, byteLength }) => sum + (name.startsWith(`blk.${index}.`) ? byteLength : 0), 0);
    for (const { arena, layers: { to } } of planned.layouts) {
      expect(arena.end).toBeLessThanOrEqual(4 * GIB - 65536);
      if (to < shape.layers) expect(arena.end + bytesOfLayer(to)).toBeGreaterThan(4 * GIB - 65536);
    }
    expect(planned.totalBytes).toBe(planned.layouts.reduce((sum, { arena }) => sum + arena.end, 0));

    // Each tensor in one place: with its layer, at the beginning, or at the end.
    const places = placesOf(planned);
    expect(places.size).toBe(file.tensors.length - 1);
    for (const [name, shardsOf] of places) {
      const layer = /^blk\.(\d+)\./.exec(name)?.[1];
      const expected = layer === undefined ? (name === 'output.weight' ? shards.length - 1 : 0)
        : shards.findIndex(({ from, to }) => Number(layer) >= from && Number(layer) < to);
      expect(shardsOf, name).toEqual([expected]);
    }
    expect(planned.layouts.findIndex(({ model }) => model.logits)).toBe(shape.tied ? 0 : shards.length - 1);
    // Tensors lie on both sides of 2 GiB, and the last ones end past it.
    const ends = planned.layouts[0]!.tensors.flatMap((loaded) => (loaded.kind === 'matrix' ? [loaded.weight.ptr + loaded.byteLength] : []));
    expect(Math.max(...ends)).toBeGreaterThan(2 * GIB);
    expect(Math.min(...ends)).toBeLessThan(2 * GIB);
  });

  it('is refused in less than all its shards take', async () => {
    const file = await llama(shape);
    const { totalBytes, plan } = planModel(file, { contextLength: 4096 }, 2, 128 * GIB);
    expect(plan.maxSequences).toBe(4);
    const smaller = planModel(file, { contextLength: 4096 }, 2, totalBytes - 1);
    expect(smaller.plan.maxSequences).toBeLessThan(4);
    expect(() => planModel(file, { contextLength: 4096, maxMemory: 2 * GIB }, 2, 128 * GIB)).toThrow(OutOfMemoryError);
  });
});

it('a tensor that is larger than a memory is named', async () => {
  const shape = { ...SHAPES['8B Q8_0'], vocab: 1_048_576, type: 'F32' as const };
  const file = await llama(shape);
  expect(() => planModel(file, { contextLength: 512 }, 2, 256 * GIB)).toThrow(/largest tensor is "token_embd\.weight", 17179\.9 MB/);
});
