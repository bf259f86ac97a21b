// Structure-aware fuzzing: fields of good files are replaced, cut, doubled and swapped by a seeded generator, for a
// bounded time. The reader must give a file whose tensors lie inside it, or a typed error.
import { describe, expect, it } from 'vitest';
import { GgufError, UnsupportedModelError } from '../../src/errors.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { FileBuilder } from './file-builder.ts';
import type { Field } from './file-builder.ts';

const TIME_LIMIT_MS = 8000;
const MAX_FILES = 50_000;
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_250_711);

/** mulberry32: a small generator with a known sequence per seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const INTERESTING = [
  0n, 1n, 2n, 7n, 8n, 9n, 12n, 13n, 31n, 32n, 33n, 127n, 255n, 256n, 65_535n, 65_536n, 2n ** 31n - 1n, 2n ** 31n,
  2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 61n, 2n ** 63n - 1n, 2n ** 63n,
  2n ** 64n - 32n, 2n ** 64n - 1n,
];

function goodFiles(): FileBuilder[] {
  const many = FileBuilder.file({ version: 2, tensors: 2, entries: 6 })
    .key('general.architecture', 'string').string('llama').key('llama.block_count', 'u32').u32(2)
    .key('general.alignment', 'u32').u32(64)
    .key('tokens', 'array').array('string', 3).string('a').string('bé').string('<s>')
    .key('scores', 'array').array('f32', 3).raw(new Uint8Array(12)).key('flag', 'bool').raw([1])
    .tensor({ name: 'w', shape: [256, 2], type: 'Q6_K' }).tensor({ name: 'n', shape: [16], offset: 448 })
    .tensorBytes(512, 64);
  const nested = FileBuilder.file({ tensors: 1, entries: 3 })
    .key('nested', 'array').array('array', 2).array('u8', 2).raw([1, 2]).array('bool', 1).raw([0])
    .key('big', 'u64').u64(2n ** 60n).key('text', 'string').string('ünïcödé and \u{1F999}')
    .tensor({ shape: [32, 2, 1, 1], type: 'Q8_0' }).tensorBytes(68);
  return [many, nested, FileBuilder.file({ entries: 1 }).key('k', 'i8').raw([255])];
}

function mutate(bytes: Uint8Array, fields: readonly Field[], random: () => number): Uint8Array {
  const pick = (limit: number): number => Math.floor(random() * limit);
  const field = fields[pick(fields.length)];
  const other = fields[pick(fields.length)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const splice = (at: number, removed: number, inserted: Uint8Array): Uint8Array =>
    Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...bytes.subarray(at + removed)]);
  switch (pick(7)) {
    case 0: {
      const value = INTERESTING[pick(INTERESTING.length)];
      if (field.kind === 'u64') view.setBigUint64(field.at, value, true);
      else if (field.kind === 'u32') view.setUint32(field.at, Number(value & 0xffffffffn), true);
      else if (field.length > 0) bytes[field.at + pick(field.length)] = Number(value & 255n);
      return bytes;
    }
    case 1: {
      const step = pick(5) - 2;
      if (field.kind === 'u64') view.setBigUint64(field.at, view.getBigUint64(field.at, true) + BigInt(step), true);
      else if (field.kind === 'u32') view.setUint32(field.at, view.getUint32(field.at, true) + step, true);
      return bytes;
    }
    case 2: return bytes.slice(0, pick(bytes.length + 1));
    case 3: return splice(field.at, field.length, new Uint8Array(0));
    case 4: return splice(field.at, 0, bytes.slice(other.at, other.at + other.length));
    case 5: return splice(field.at, field.length, bytes.slice(other.at, other.at + other.length));
    default:
      bytes[pick(bytes.length)] = pick(256);
      return bytes;
  }
}

/** Undefined when all is well, otherwise what is wrong. */
async function complaint(bytes: Uint8Array): Promise<string | undefined> {
  try {
    const file = await readGguf(bytesSource(bytes));
    const outside = file.tensors.find((tensor) =>
      tensor.offset < 24 || tensor.offset + tensor.byteLength > bytes.length || tensor.byteLength <= 0);
    return outside && `tensor ${outside.name} lies outside the file`;
  } catch (error) {
    const isTyped = error instanceof GgufError || error instanceof UnsupportedModelError;
    return isTyped ? undefined : `not a typed error: ${String(error)}`;
  }
}

describe('fuzzing', () => {
  it('gives a sound file or a typed error for every mutation', async () => {
    const random = generator(SEED);
    const originals = goodFiles().map((builder) => ({ bytes: builder.bytes(), fields: builder.fields }));
    const deadline = performance.now() + TIME_LIMIT_MS;
    let numFiles = 0;
    let slowest = 0;
    for (; numFiles < MAX_FILES && performance.now() < deadline; numFiles++) {
      const { bytes: good, fields } = originals[Math.floor(random() * originals.length)];
      let bytes = good.slice();
      for (let rounds = 1 + Math.floor(random() * 3); rounds > 0; rounds--) {
        const inside = fields.filter((field) => field.at + field.length <= bytes.length);
        if (inside.length > 0) bytes = mutate(bytes, inside, random).slice();
      }
      const start = performance.now();
      const wrong = await complaint(bytes);
      slowest = Math.max(slowest, performance.now() - start);
      if (wrong) expect.unreachable(`${wrong}; seed ${SEED}, ${numFiles}: ${Buffer.from(bytes).toString('hex')}`);
    }
    expect(numFiles).toBeGreaterThan(500);
    expect(slowest).toBeLessThan(1000);
  }, 30_000);

  it('starts from files that are good', async () => {
    for (const builder of goodFiles()) await expect(readGguf(bytesSource(builder.bytes()))).resolves.toBeDefined();
  });
});
