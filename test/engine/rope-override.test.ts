// Rotation asked for at load in place of the file's: what the same words in a file's metadata would give.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Engine, InvalidArgumentError, bytesSource, readGguf, writeGguf } from '../../src/index.ts';
import type { LoadOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';

const bytes = new Uint8Array(readFileSync(inRepository('test/data/arch/llama-tied.gguf')));
const IDS = Array.from({ length: 70 }, (_, i) => 40 + ((i * i + 3 * i) % 200));

/** The model as a file that says `entries` itself. */
async function saying(entries: Readonly<Record<string, number | string>>): Promise<Uint8Array> {
  const source = bytesSource(bytes);
  const file = await readGguf(source);
  const isFloat = (key: string): boolean => /epsilon|freq_base|factor|scale/.test(key);
  const metadata = [...file.metadata.entries, ...Object.entries(entries)].map(([key, value]) =>
    [key, typeof value === 'number' && isFloat(key) ? { type: 'f32', value } : value] as const);
  const tensors = file.tensors.map(({ name, type, shape, offset, byteLength }) =>
    ({ name, type, shape, bytes: bytes.subarray(offset, offset + byteLength) }));
  return writeGguf({ metadata: new Map(metadata) as never, tensors });
}

async function logits(model: Uint8Array, options: LoadOptions): Promise<Float32Array> {
  await using engine = await Engine.load(model, { threads: 1, contextLength: 128, deterministic: true, ...options });
  return (await engine.score(IDS, { logits: true })).logits!;
}

describe('ropeScaling and ropeTheta', () => {
  it.each([
    ['linear', { ropeScaling: { type: 'linear', factor: 4 } }, { 'rope.scaling.type': 'linear', 'rope.scaling.factor': 4 }],
    ['yarn', { ropeScaling: { type: 'yarn', factor: 4, originalContextLength: 32 } },
      { 'rope.scaling.type': 'yarn', 'rope.scaling.factor': 4, 'rope.scaling.original_context_length': 32 }],
  ] as const)('%s: as the file would say it', async (_, options, entries) => {
    const named = Object.fromEntries(Object.entries(entries).map(([key, value]) => [`llama.${key}`, value]));
    const scaled = await logits(bytes, options);
    expect(scaled).toEqual(await logits(await saying(named), {}));
    expect(scaled).not.toEqual(await logits(bytes, {}));
    expect(await logits(await saying(named), { ropeScaling: 'none' })).toEqual(await logits(bytes, {}));
  });

  it('a base of its own changes what is computed; the file\'s own does not', async () => {
    expect(await logits(bytes, { ropeTheta: 123_456 })).not.toEqual(await logits(bytes, {}));
  });

  it('warns of contexts longer than what was trained is stretched to', async () => {
    const warnings = async (options: LoadOptions): Promise<readonly string[]> => {
      await using engine = await Engine.load(bytes, { threads: 1, contextLength: 1024, ...options });
      return engine.model.warnings.filter((warning) => warning !== engine.model.chatTemplateWarning);
    };
    expect(await warnings({})).toHaveLength(1);
    expect(await warnings({ ropeScaling: { type: 'yarn', factor: 4 } })).toEqual([]);
  });

  it('refuses what makes no sense', async () => {
    const refused = ['yarn', { type: 'yarn' }, { type: 'linear', factor: 0.5 }, { type: 'linear', factor: 2, originalContextLength: 8 },
      { type: 'ntk', factor: 2 }, { type: 'yarn', factor: 2, betaFast: 1 }];
    for (const ropeScaling of refused) await expect(Engine.load(bytes, { ropeScaling: ropeScaling as never })).rejects.toThrow(/ropeScaling must be/);
    await expect(Engine.load(bytes, { ropeTheta: 0 })).rejects.toThrow(/ropeTheta/);
    const unrotated = new Uint8Array(readFileSync(inRepository('test/data/arch/gpt2.gguf')));
    await expect(Engine.load(unrotated, { ropeTheta: 10_000 })).rejects.toThrow(InvalidArgumentError);
  });
});
