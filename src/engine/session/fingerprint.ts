// Tells models apart whose keys and values cannot be exchanged: by shape, vocabulary and samples of every weight.
// The bytes come as they lie in the file, so that it does not matter how memory is laid out or where the file came from.
import type { ModelConfig } from '../../architectures/config.ts';
import type { GgufValue, Metadata } from '../../gguf/metadata.ts';
import { Xxh32 } from './xxh32.ts';

const NUM_SAMPLES = 16;
const SAMPLE_BYTES = 64;
/** Two hashes with different seeds are 64 bits. */
const SEEDS = [0, 0x9e3779b1];

/** Hears each weight's bytes while they are read; cheap, whatever their number. */
export class WeightSamples {
  readonly #samples = new Map<string, Uint8Array>();

  /** `bytes` from `offset` on of the tensor `name`, which has `byteLength` of them: pieces at even distances are kept. */
  add(name: string, byteLength: number, offset: number, bytes: Uint8Array): void {
    const step = Math.max(SAMPLE_BYTES, Math.floor(byteLength / NUM_SAMPLES));
    let sample = this.#samples.get(name);
    if (!sample) this.#samples.set(name, (sample = new Uint8Array(NUM_SAMPLES * SAMPLE_BYTES)));
    const end = offset + bytes.length;
    for (let i = Math.max(0, Math.ceil((offset - SAMPLE_BYTES + 1) / step)); i < NUM_SAMPLES && i * step < end; i++) {
      const from = Math.max(i * step, offset);
      const to = Math.min(i * step + SAMPLE_BYTES, end);
      sample.set(bytes.subarray(from - offset, to - offset), i * SAMPLE_BYTES + from - i * step);
    }
  }

  /** By name, so that the order of reading does not matter. */
  get sorted(): readonly (readonly [name: string, sample: Uint8Array])[] {
    return [...this.#samples].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Equal for two files of the same weights, vocabulary and hyperparameters; their names and chat templates may differ. */
export function fingerprint(metadata: Metadata, { rope }: ModelConfig, samples: WeightSamples): bigint {
  const architecture = metadata.string('general.architecture') ?? '';
  const matters = (key: string): boolean =>
    key.startsWith(`${architecture}.`) || (key.startsWith('tokenizer.ggml.') && !key.endsWith('_token_id'));
  const facts = [...metadata.entries].filter(([key]) => matters(key))
    .map(([key, value]) => `${key}=${canonical(value)}`).sort();
  const text = new TextEncoder().encode(JSON.stringify([architecture, facts, rope, samples.sorted.map(([name]) => name)]));
  const [low, high] = SEEDS.map((seed) => {
    const hash = new Xxh32(seed);
    for (const [, sample] of samples.sorted) hash.update(sample);
    return BigInt(hash.update(text).digest());
  });
  return (high! << 32n) | low!;
}

function canonical(value: GgufValue): string {
  if (typeof value !== 'object') return String(value);
  return Array.from(value as ArrayLike<GgufValue>, (item) => JSON.stringify(canonical(item))).join();
}
