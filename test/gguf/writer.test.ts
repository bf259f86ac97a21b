// Writer → reader round trips, streamed and split files, and refusals of what no GGUF file can hold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GgufError, InvalidArgumentError } from '../../src/errors.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import type { MetadataInput } from '../../src/gguf/header-writer.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { readGgufParts, splitPartNames } from '../../src/gguf/split.ts';
import { tensorBytes, writeGguf, writeGgufTo } from '../../src/gguf/writer.ts';
import type { GgufContents, TensorInput } from '../../src/gguf/writer.ts';
import { splitContents } from './split-contents.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 });
const value: fc.Arbitrary<MetadataInput> = fc.oneof(
  text, fc.boolean(), fc.integer(), fc.maxSafeInteger(), fc.float({ noNaN: true }).filter((x) => !Number.isInteger(x)),
  fc.array(text, { minLength: 1 }), fc.array(fc.boolean(), { minLength: 1 }),
  fc.uint8Array(), fc.int8Array(), fc.uint16Array(), fc.int16Array(), fc.uint32Array(), fc.int32Array(),
  fc.float32Array({ noNaN: true }), fc.float64Array({ noNaN: true }), fc.bigUint64Array(), fc.bigInt64Array(),
  fc.array(fc.array(text, { minLength: 1 }), { minLength: 1, maxLength: 3 }),
);
const name = text.filter((string) => string.length > 0);
const tensor: fc.Arbitrary<TensorInput> = fc.record({
  name,
  type: fc.constantFrom(...Object.keys(GGML_TYPES) as GgmlType[]),
  dims: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
  seed: fc.nat(255),
}).map(({ type, dims, seed, ...rest }) => {
  const shape = [dims[0] * GGML_TYPES[type].blockSize, ...dims.slice(1)];
  return { ...rest, type, shape, bytes: Uint8Array.from({ length: tensorBytes(type, shape) }, (_, i) => seed + i) };
});
const contents: fc.Arbitrary<GgufContents> = fc.record({
  metadata: fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 8 })
    .filter((entries) => entries.every(([key]) => !key.startsWith('general.') && !key.startsWith('split.'))),
  tensors: fc.uniqueArray(tensor, { selector: (one) => one.name, maxLength: 6 }),
  alignment: fc.constantFrom(undefined, 1, 8, 32, 64, 4096),
});

const f32 = (tensorName: string, length = 1): TensorInput =>
  ({ name: tensorName, type: 'F32', shape: [length], bytes: new Uint8Array(4 * length) });

/** The bytes of each tensor in files that lie side by side. */
async function readTensors(files: Uint8Array[]): Promise<Map<string, unknown>> {
  const file = await readGgufParts(files.map((bytes, i) => bytesSource(bytes, `part ${i}`)));
  return new Map(file.tensors.map(({ name: tensorName, type, shape, offset, byteLength, partIndex }) =>
    [tensorName, { type, shape, bytes: files[partIndex].slice(offset, offset + byteLength) }]));
}

const expectedTensors = (from: GgufContents): Map<string, unknown> =>
  new Map(from.tensors.map(({ name: tensorName, type, shape, bytes }) => [tensorName, { type, shape, bytes }]));

describe('writeGguf', () => {
  it('writes what the reader reads back', async () => {
    await fc.assert(fc.asyncProperty(contents, async (original) => {
      const bytes = writeGguf(original);
      const file = await readGguf(bytesSource(bytes));
      const metadata = new Map(file.metadata.entries);
      if (!new Map(original.metadata).has('general.alignment')) metadata.delete('general.alignment');
      expect([...metadata]).toEqual([...original.metadata]);
      expect(file.alignment).toBe(original.alignment ?? 32);
      expect(await readTensors([bytes])).toEqual(expectedTensors(original));
    }), { numRuns: 150 });
  });

  it('streams the same bytes as it writes at once', async () => {
    await fc.assert(fc.asyncProperty(contents, fc.integer({ min: 1, max: 100 }), async (original, size) => {
      const pieces: Uint8Array[] = [];
      const inPieces = (bytes: Uint8Array) => async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      await writeGgufTo((piece) => { pieces.push(piece); }, {
        ...original,
        tensors: original.tensors.map((one) => ({ ...one, bytes: inPieces(one.bytes as Uint8Array) })),
      });
      expect(Buffer.compare(Buffer.concat(pieces), writeGguf(original))).toBe(0);
    }), { numRuns: 50 });
  });

  it('keeps stated types', async () => {
    const file = await readGguf(bytesSource(writeGguf({ tensors: [], metadata: [
      ['f32', { type: 'f32', value: 10_000 }], ['u64', { type: 'u64', value: 2n ** 60n }],
      ['floats', { type: 'array', of: 'f32', value: [1, 2] }], ['none', { type: 'array', of: 'string', value: [] }],
      ['inferred', [1, -2]], ['fractions', [1, 0.5]],
    ] })));
    expect(file.metadata.number('f32')).toBe(10_000);
    expect(file.metadata.entries.get('u64')).toBe(2n ** 60n);
    expect(file.metadata.numbers('floats')).toEqual(Float32Array.of(1, 2));
    expect(file.metadata.strings('none')).toEqual([]);
    expect(file.metadata.numbers('inferred')).toEqual(Int32Array.of(1, -2));
    expect(file.metadata.numbers('fractions')).toEqual(Float32Array.of(1, 0.5));
  });

  const refused: [string, GgufContents][] = [
    ['a key twice', { metadata: [['k', 1], ['k', 2]], tensors: [] }],
    ['an empty key', { metadata: [['', 1]], tensors: [] }],
    ['a tensor name twice', { metadata: [], tensors: [f32('t'), f32('t')] }],
    ['a tensor name of 256 bytes', { metadata: [], tensors: [f32('é'.repeat(128))] }],
    ['too few bytes', { metadata: [], tensors: [{ ...f32('t', 2), bytes: new Uint8Array(7) }] }],
    ['half a block', { metadata: [], tensors: [{ ...f32('t', 16), type: 'Q4_0' }] }],
    ['no dimensions', { metadata: [], tensors: [{ ...f32('t'), shape: [] }] }],
    ['a dimension of zero', { metadata: [], tensors: [{ ...f32('t'), shape: [1, 0] }] }],
    ['a u8 of 256', { metadata: [['k', { type: 'u8', value: 256 }]], tensors: [] }],
    ['a u32 of -1', { metadata: [['k', { type: 'u32', value: -1 }]], tensors: [] }],
    ['an i32 of 0.5', { metadata: [['k', { type: 'i32', value: 0.5 }]], tensors: [] }],
    ['a string that is a number', { metadata: [['k', { type: 'string', value: 1 }]], tensors: [] }],
    ['a lone surrogate', { metadata: [['k', '\ud800']], tensors: [] }],
    ['an alignment of 3', { metadata: [], tensors: [], alignment: 3 }],
    ['two alignments', { metadata: [['general.alignment', 32]], tensors: [], alignment: 64 }],
    ['streamed bytes', { metadata: [], tensors: [{ ...f32('t'), bytes: () => [new Uint8Array(4)] }] }],
  ];

  it.each(refused)('refuses %s', (_, wrong) => {
    expect(() => writeGguf(wrong)).toThrow(InvalidArgumentError);
  });

  it('refuses streams of another length than the tensor has', async () => {
    for (const length of [3, 5]) {
      const wrong = { ...f32('t'), bytes: () => [new Uint8Array(length)] };
      await expect(writeGgufTo(() => {}, { metadata: [], tensors: [wrong] })).rejects.toThrow(InvalidArgumentError);
    }
  });
});

describe('split files', () => {
  it('read back as one', async () => {
    await fc.assert(fc.asyncProperty(contents, fc.integer({ min: 1, max: 2000 }), async (original, maxPartBytes) => {
      const parts = splitContents(original, maxPartBytes).map(writeGguf);
      expect(await readTensors(parts)).toEqual(expectedTensors(original));
    }), { numRuns: 50 });
  });

  const three: GgufContents = {
    metadata: [['general.architecture', 'llama'], ['split.count', 9]],
    tensors: ['a', 'b', 'c'].map((tensorName) => f32(tensorName, 8)),
  };
  const sources = (files: Uint8Array[]) => files.map((bytes, i) => bytesSource(bytes, `part-${i}`));
  const parts = (): Uint8Array[] => splitContents(three, 32).map(writeGguf);

  it('carry the metadata in the first part and say where each tensor is', async () => {
    const file = await readGgufParts(sources(parts()));
    expect(file.metadata.string('general.architecture')).toBe('llama');
    expect(file.tensors.map((one) => one.partIndex)).toEqual([0, 1, 2]);
    expect(file.tensor('c')).toMatchObject({ partIndex: 2 });
    expect(file.size).toBe(parts().reduce((sum, part) => sum + part.length, 0));
  });

  it('must be complete, in order and of one model', async () => {
    const [a, b, c] = parts();
    await expect(readGgufParts(sources([a, b]))).rejects.toThrow(/3 parts and 2 were given/);
    await expect(readGgufParts(sources([a]))).rejects.toThrow(/3 parts and 1 were given/);
    await expect(readGgufParts(sources([a, c, b]))).rejects.toThrow(/part 2 and calls itself part 3/);
    await expect(readGgufParts([])).rejects.toThrow(GgufError);
    const [, , other] = splitContents({ ...three, tensors: [...three.tensors.slice(0, 2), three.tensors[0]] }, 32);
    await expect(readGgufParts(sources([a, b, writeGguf(other)]))).rejects.toThrow(/"a" is in two of the parts/);
    const more = splitContents({ ...three, tensors: [...three.tensors, { ...three.tensors[0], name: 'd' }] }, 64);
    const whole = splitContents({ ...three, tensors: three.tensors.slice(0, 2) }, 32).map(writeGguf);
    const mixed = sources([writeGguf(more[0]), whole[1]]);
    await expect(readGgufParts(mixed)).rejects.toThrow(/hold 3 tensors and .* promises 4/);
  });

  it('have names that follow from any of them', () => {
    const names = ['dir/m-00001-of-00002.gguf', 'dir/m-00002-of-00002.gguf'];
    expect(splitPartNames(names[0])).toEqual(names);
    expect(splitPartNames(names[1])).toEqual(names);
    const others = ['m.gguf', 'm-00003-of-00002.gguf', 'm-00000-of-00002.gguf', 'm-1-of-2.gguf', 'm-00001-of-00002.x'];
    for (const ordinary of others) {
      expect(splitPartNames(ordinary)).toBeUndefined();
    }
  });
});
