// Hostile GGUF files: each ends in a typed error that names what is wrong, within a second and 200 MB.
import { describe, expect, it } from 'vitest';
import { ClawdbotError, GgufError, UnsupportedModelError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/gguf/byte-source.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { FileBuilder, endlessSource } from './file-builder.ts';
import { cutFiles, goodFile, hostileFiles } from './hostile-files.ts';

const MEGABYTE = 2 ** 20;

/** The error a file ends in; fails when it takes a second or raises the process's peak memory by 200 MB. */
async function errorOf(source: ByteSource): Promise<unknown> {
  const peakBefore = process.resourceUsage().maxRSS * 1024;
  const start = performance.now();
  const error: unknown = await readGguf(source).then(() => undefined, (reason: unknown) => reason);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(process.resourceUsage().maxRSS * 1024 - peakBefore).toBeLessThan(200 * MEGABYTE);
  return error;
}

describe('hostile files', () => {
  it('are at least sixty, and the file they are variations of is good', async () => {
    expect(hostileFiles.length).toBeGreaterThanOrEqual(60);
    expect(new Set(hostileFiles.map((file) => file.name)).size).toBe(hostileFiles.length);
    await expect(readGguf(bytesSource(goodFile()))).resolves.toMatchObject({ version: 3 });
  });

  it.each(hostileFiles)('$name', async ({ bytes, says, unsupported }) => {
    const error = await errorOf(bytesSource(bytes, 'model.gguf'));
    expect(error).toBeInstanceOf(unsupported ? UnsupportedModelError : GgufError);
    expect((error as Error).message).toMatch(says);
    expect((error as Error).message).toMatch(/(fetch|convert|use|Use) /);
  });

  it('end in an error wherever a good file is cut', async () => {
    for (const { bytes, says } of cutFiles) {
      const error = await errorOf(bytesSource(bytes));
      expect(error).toBeInstanceOf(GgufError);
      expect((error as Error).message).toMatch(says);
    }
  });
});

/** Files that really have the bytes they claim: 1 TB that repeats a pattern, as a sparse file can. */
const u64 = (value: number | bigint): Uint8Array => new FileBuilder().u64(value).bytes();
const endless: { name: string; head: FileBuilder; pattern?: Uint8Array; says: RegExp }[] = [
  { name: 'zeros for entries', head: FileBuilder.file({ entries: 60_000 }), says: /empty key/ },
  { name: 'a million entries', head: FileBuilder.file({ entries: 1_000_000 }), says: /limit is 65536/ },
  { name: 'a million tensors', head: FileBuilder.file({ tensors: 1_000_000 }), says: /limit is 65536/ },
  {
    name: '2^36 bytes in an array', says: /header passes the limit/,
    head: FileBuilder.file({ entries: 1 }).key('k', 'array').array('u8', 2 ** 36),
  },
  {
    name: '2^33 f64 in an array', says: /header passes the limit/,
    head: FileBuilder.file({ entries: 1 }).key('k', 'array').array('f64', 2 ** 33),
  },
  {
    name: '2^32 empty strings', says: /array elements, which is the limit/,
    head: FileBuilder.file({ entries: 1 }).key('k', 'array').array('string', 2 ** 32),
  },
  {
    name: '2^32 booleans', says: /array elements, which is the limit/,
    head: FileBuilder.file({ entries: 1 }).key('k', 'array').array('bool', 2 ** 32),
  },
  {
    name: '2^30 nested arrays', says: /array elements, which is the limit/,
    head: FileBuilder.file({ entries: 1 }).key('k', 'array').array('array', 2 ** 30),
  },
  {
    name: 'strings of a megabyte, two million of them', says: /header passes the limit/,
    head: FileBuilder.file({ entries: 1 }).key('k', 'array').array('string', 2_000_000),
    pattern: new Uint8Array([...u64(MEGABYTE - 8), ...new Uint8Array(MEGABYTE - 8).fill(97)]),
  },
  {
    name: 'two million strings of two bytes beyond ASCII, then rubbish', says: /key of metadata entry 2 is \d+/,
    head: FileBuilder.file({ entries: 3 }).key('k', 'array').array('string', 2_000_000),
    pattern: new Uint8Array([...u64(2), 0xc3, 0xa9]),
  },
];

describe('hostile files of a terabyte', () => {
  it.each(endless)('$name', async ({ head, pattern, says }) => {
    const error = await errorOf(endlessSource(head.bytes(), pattern));
    expect(error).toBeInstanceOf(ClawdbotError);
    expect((error as Error).message).toMatch(says);
  });
});
