// What the reader makes of good files: all value types, versions, offsets, and no byte read that is not needed.
import { describe, expect, it } from 'vitest';
import { GgufError, InvalidArgumentError, ModelSourceError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/gguf/byte-source.ts';
import { blobSource, bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import type { GgufFile } from '../../src/gguf/reader.ts';
import { FileBuilder } from './file-builder.ts';

const read = (builder: FileBuilder): Promise<GgufFile> => readGguf(bytesSource(builder.bytes()));

/** A source that remembers the last byte anyone asked for, of a file that is `size` bytes long. */
function watched(bytes: Uint8Array, size: number): ByteSource & { readTo: number; reads: number } {
  return {
    name: 'watched', size, readTo: 0, reads: 0,
    async read(offset, target) {
      this.readTo = Math.max(this.readTo, offset + target.length);
      this.reads += 1;
      target.set(bytes.subarray(offset, offset + target.length));
    },
    async close() {},
  };
}

describe('readGguf', () => {
  it('reads every scalar type', async () => {
    const file = await read(FileBuilder.file({ entries: 14 })
      .key('u8', 'u8').raw([200]).key('i8', 'i8').raw([200])
      .key('u16', 'u16').raw([1, 200]).key('i16', 'i16').raw([1, 200])
      .key('u32', 'u32').u32(4e9).key('i32', 'i32').u32(4e9)
      .key('f32', 'f32').raw(new Uint8Array(Float32Array.of(0.1).buffer)).key('bool', 'bool').raw([1])
      .key('string', 'string').string('día \u{1F999}')
      .key('u64', 'u64').u64(2 ** 53 - 1).key('big u64', 'u64').u64(2n ** 64n - 1n)
      .key('i64', 'i64').u64(2n ** 64n - 7n).key('big i64', 'i64').u64(2n ** 63n)
      .key('f64', 'f64').raw(new Uint8Array(Float64Array.of(0.1).buffer)));
    expect(Object.fromEntries(file.metadata.entries)).toEqual({
      u8: 200, i8: -56, u16: 51_201, i16: -14_335, u32: 4e9, i32: 4e9 - 2 ** 32, f32: Math.fround(0.1), bool: true,
      string: 'día \u{1F999}', u64: 2 ** 53 - 1, 'big u64': 2n ** 64n - 1n, i64: -7, 'big i64': -(2n ** 63n), f64: 0.1,
    });
  });

  it('reads arrays: numbers as typed arrays, strings, booleans, nested and empty ones', async () => {
    const file = await read(FileBuilder.file({ entries: 7 })
      .key('f32', 'array').array('f32', 2).raw(new Uint8Array(Float32Array.of(0.5, -1).buffer))
      .key('i64', 'array').array('i64', 1).u64(2n ** 64n - 1n)
      .key('bools', 'array').array('bool', 3).raw([1, 0, 1])
      .key('strings', 'array').array('string', 3).string('a').string('').string('\uFEFFé')
      .key('nested', 'array').array('array', 2).array('u8', 2).raw([1, 2]).array('string', 1).string('x')
      .key('no strings', 'array').array('string', 0).key('no numbers', 'array').array('u16', 0));
    const { metadata } = file;
    expect(metadata.numbers('f32')).toEqual(Float32Array.of(0.5, -1));
    expect(metadata.entries.get('i64')).toEqual(BigInt64Array.of(-1n));
    expect(metadata.booleans('bools')).toEqual([true, false, true]);
    expect(metadata.strings('strings')).toEqual(['a', '', '\uFEFFé']);
    expect(metadata.entries.get('nested')).toEqual([Uint8Array.of(1, 2), ['x']]);
    expect(metadata.strings('no strings')).toEqual([]);
    expect(metadata.numbers('no numbers')).toHaveLength(0);
  });

  it.each([2, 3] as const)('reads version %i with tensors in any order and with gaps', async (version) => {
    const file = await read(FileBuilder.file({ version, tensors: 3 })
      .tensor({ name: 'b', shape: [256, 2, 1], type: 'Q4_K', offset: 256 })
      .tensor({ name: 'a', shape: [32], offset: 0 })
      .tensor({ name: 'c', shape: [1, 1, 1, 7], type: 'F16', offset: 640 })
      .tensorBytes(654));
    expect(file).toMatchObject({ version, alignment: 32, dataOffset: 192, size: 192 + 654 });
    expect(file.tensors).toEqual([
      { name: 'b', type: 'Q4_K', shape: [256, 2, 1], numElements: 512, byteLength: 288, offset: 448, partIndex: 0 },
      { name: 'a', type: 'F32', shape: [32], numElements: 32, byteLength: 128, offset: 192, partIndex: 0 },
      { name: 'c', type: 'F16', shape: [1, 1, 1, 7], numElements: 7, byteLength: 14, offset: 832, partIndex: 0 },
    ]);
    expect(file.tensor('c')).toBe(file.tensors[2]);
    expect(file.tensor('d')).toBeUndefined();
  });

  it('keeps to the alignment that the file states', async () => {
    const file = await read(FileBuilder.file({ tensors: 1, entries: 1 }).key('general.alignment', 'u32').u32(256)
      .tensor().tensorBytes(128, 256));
    expect(file).toMatchObject({ alignment: 256, dataOffset: 256 });
  });

  it('reads files without tensors', async () => {
    const file = await read(FileBuilder.file({ entries: 1 }).key('k', 'u8').raw([1]));
    expect(file.tensors).toEqual([]);
    expect(file.metadata.number('k')).toBe(1);
  });

  it('is exact past 4 GiB and does not touch tensor bytes', async () => {
    const offset = 6 * 2 ** 30;
    const header = FileBuilder.file({ tensors: 2 }).tensor({ name: 'a' })
      .tensor({ name: 'b', shape: [4096, 65_536], offset }).tensorBytes(0).bytes();
    const source = watched(header, header.length + offset + 2 ** 30);
    const file = await readGguf(source);
    expect(file.tensor('b')).toMatchObject({ offset: header.length + offset, byteLength: 2 ** 30 });
    expect(source.readTo).toBeLessThanOrEqual(256 * 1024);
    expect(source.reads).toBe(1);
  });

  it('reads a header of megabytes in few, growing reads, each byte once', async () => {
    const words = Array.from({ length: 100_000 }, (_, i) => `token-${i}-${'é'.repeat(i % 40)}`);
    const builder = FileBuilder.file({ entries: 1 }).key('tokens', 'array').array('string', words.length);
    for (const word of words) builder.string(word);
    const bytes = builder.bytes();
    const source = watched(bytes, bytes.length);
    const start = performance.now();
    const file = await readGguf(source);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(file.metadata.strings('tokens')).toEqual(words);
    expect(source.reads).toBeLessThan(8);
  });

  it('stops when aborted, before and between reads', async () => {
    const length = 2 ** 20;
    const bytes = FileBuilder.file({ entries: 1 }).key('k', 'array').array('u8', length)
      .raw(new Uint8Array(length)).bytes();
    await expect(readGguf(bytesSource(bytes), { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    const controller = new AbortController();
    const source = bytesSource(bytes);
    const aborting: ByteSource = { ...source, read: async (...args) => {
      await source.read(...args);
      controller.abort(new Error('stopped by the user'));
    } };
    await expect(readGguf(aborting, { signal: controller.signal })).rejects.toThrow('stopped by the user');
  });

  it('names the source in its errors', async () => {
    await expect(readGguf(bytesSource(new Uint8Array(64), 'my model.gguf'))).rejects.toThrow(/"my model.gguf"/);
  });
});

describe('Metadata', () => {
  it('throws a GgufError that names the key when a value has another type', async () => {
    const { metadata } = await read(FileBuilder.file({ entries: 2 })
      .key('n', 'u8').raw([1]).key('s', 'string').string('x'));
    expect(() => metadata.string('n')).toThrow(GgufError);
    expect(() => metadata.number('s')).toThrow(/"s" should be a number/);
    expect(() => metadata.boolean('n')).toThrow(/"n" should be a boolean/);
    expect(() => metadata.strings('n')).toThrow(/array of strings/);
    expect(() => metadata.numbers('n')).toThrow(/array of numbers/);
    expect(() => metadata.booleans('s')).toThrow(/array of booleans/);
    expect(metadata.string('missing')).toBeUndefined();
    expect(() => metadata.required('missing', metadata.string('missing'))).toThrow(/no metadata key "missing"/);
  });
});

it('readGguf says how to open what it was given unopened', async () => {
  for (const given of ['model.gguf', undefined, new Uint8Array(4)]) {
    await expect(readGguf(given as never)).rejects.toThrow(InvalidArgumentError);
  }
  await expect(readGguf('model.gguf' as never)).rejects.toThrow(/not "model\.gguf"\. Make one with openFile\(path\)/);
});

describe.each([
  { kind: 'bytes', make: (bytes: Uint8Array<ArrayBuffer>) => bytesSource(bytes) },
  { kind: 'a Blob', make: (bytes: Uint8Array<ArrayBuffer>) => blobSource(new Blob([bytes])) },
])('a source over $kind', ({ make }) => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

  it('fills any view, shared memory included', async () => {
    const target = new Uint8Array(new SharedArrayBuffer(16), 4, 8);
    await make(bytes).read(50, target);
    expect([...target]).toEqual([50, 51, 52, 53, 54, 55, 56, 57]);
    await make(bytes).read(100, new Uint8Array(0));
  });

  it('refuses ranges outside', async () => {
    for (const [offset, length] of [[93, 8], [-1, 1], [0.5, 1], [2 ** 53, 1], [NaN, 0]]) {
      await expect(make(bytes).read(offset, new Uint8Array(length))).rejects.toThrow(ModelSourceError);
    }
  });

  it('heeds the signal', async () => {
    await expect(make(bytes).read(0, new Uint8Array(1), AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});
