// Archives over https:: zip and tar.gz with a model in them, and those that are hostile, ambiguous or broken.
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import type { Zippable } from 'fflate';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ClawdbotError, IntegrityError } from '../../src/errors.ts';
import { crc32, tableCrc32 } from '../../src/sources/archive/crc32.ts';
import { resolveModel } from '../../src/sources/resolve.ts';
import type { ResolveOptions } from '../../src/sources/settings.ts';
import { FileServer } from './file-server.ts';
import { catalogOf, expectSame, filesBelow, modelBytes, quick, temporaryDir } from './workbench.ts';

const bytes = modelBytes(300_000);
let server: FileServer;
let cacheDir: string;

beforeAll(async () => {
  server = await new FileServer().start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.files.clear();
  cacheDir = temporaryDir();
});

const names = (): string[] => Object.keys(filesBelow(cacheDir)).map((name) => path.basename(name)).sort();

async function resolveArchive(
  name: string, archive: Uint8Array, options: ResolveOptions = {}, pick = '',
): Promise<string[]> {
  server.files.set(`/${name}`, { bytes: archive });
  return [...(await resolveModel(server.url(`/${name}${pick}`), { cacheDir, ...quick, ...options })).files];
}

interface TarFile {
  name: string;
  bytes?: Uint8Array;
  type?: string;
  link?: string;
}

function tarOf(files: TarFile[]): Uint8Array {
  const blocks = files.flatMap(({ name, bytes: content = new Uint8Array(0), type = '0', link = '' }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write('0000644\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write(link, 157, 100);
    header.write('ustar\x0000', 257);
    header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const tgzOf = (files: TarFile[]): Uint8Array => gzipSync(tarOf(files), { level: 1 });
const zipOf = (files: Zippable): Uint8Array => zipSync(files, { level: 1 });
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe.each([
  ['zip', (files: Record<string, Uint8Array>) => zipOf(files), 'a.zip'],
  ['tar.gz', (files: Record<string, Uint8Array>) =>
    tgzOf(Object.entries(files).map(([name, content]) => ({ name, bytes: content }))), 'a.tar.gz'],
])('a %s', (_kind, pack, name) => {
  it('gives its model and is deleted; then the cache serves', async () => {
    const [file, ...others] = await resolveArchive(name, pack({ 'readme.md': text('hello'), 'sub/model.gguf': bytes }));
    expectSame(file, bytes);
    expect(others).toEqual([]);
    expect(names()).toEqual(['entry.json', 'model.gguf']);
    expect(await resolveArchive(name, text('gone'), { offline: true })).toEqual([file]);
  });

  it('must hold what the catalog promises', async () => {
    server.files.set(`/${name}`, { bytes: pack({ 'model.gguf': bytes }) });
    const good = catalogOf(server.url(`/${name}`), bytes);
    expectSame((await resolveModel('tiny', { cacheDir, catalog: good })).files[0], bytes);
    cacheDir = temporaryDir();
    const other = catalogOf(server.url(`/${name}`), modelBytes(300_000, 77));
    await expect(resolveModel('tiny', { cacheDir, catalog: other })).rejects.toThrow(IntegrityError);
    expect(names()).toEqual([]);
  });

  it('gives all parts of a split model in order', async () => {
    const parts = { 'm-00002-of-00002.gguf': modelBytes(5000, 2), 'm-00001-of-00002.gguf': modelBytes(6000, 1) };
    const files = await resolveArchive(name, pack(parts));
    expect(files.map((file) => path.basename(file))).toEqual(['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf']);
    expectSame(files[1], parts['m-00002-of-00002.gguf']);
  });

  it('with several models wants to know which', async () => {
    const models = { 'a.gguf': modelBytes(5000, 1), 'd/b.gguf': modelBytes(5000, 2) };
    await expect(resolveArchive(name, pack(models))).rejects.toThrow(/several models: a\.gguf, d\/b\.gguf/);
    const [file] = await resolveArchive(name, pack(models), {}, '#d/b.gguf');
    expectSame(file, models['d/b.gguf']);
    await expect(resolveArchive(name, pack(models), {}, '#c.gguf')).rejects.toThrow(/no file "c\.gguf"/);
  });

  it('without a model, with half of one, or with something else under its name is refused', async () => {
    await expect(resolveArchive(name, pack({ 'readme.md': text('hello') }))).rejects.toThrow(/no \.gguf file/);
    await expect(resolveArchive(name, pack({ 'm-00001-of-00002.gguf': bytes }))).rejects.toThrow(/lacks "m-00002/);
    await expect(resolveArchive(name, pack({ 'm.gguf': text('#!/bin/sh') }))).rejects.toThrow(/not begin like a GGUF/);
    expect(names()).toEqual([]);
  });

  it.each([
    '../../evil.gguf', '/tmp/evil.gguf', 'a/../../evil.gguf', '..\\evil.gguf', 'C:/evil.gguf', 'C:\\evil.gguf',
    './../evil.gguf', '../readme.md',
  ])('that names %s is refused as a whole', async (evil) => {
    await expect(resolveArchive(name, pack({ 'model.gguf': bytes, [evil]: bytes }))).rejects.toThrow(/outside/);
    await expect(resolveArchive(name, pack({ [evil]: bytes }))).rejects.toThrow(/outside/);
    expect(names()).toEqual([]);
  });

  it('that unpacks to far more than it is, or than is allowed, is refused', async () => {
    const bomb = pack({ 'model.gguf': new Uint8Array(70 * 2 ** 20) });
    await expect(resolveArchive(name, bomb)).rejects.toThrow(/unpacks to more than/);
    await expect(resolveArchive(name, pack({ 'model.gguf': bytes }), { maxExtractedBytes: 1000 }))
      .rejects.toThrow(/unpacks to more than 1000 bytes/);
    expect(names()).toEqual([]);
  });

  it('cut off or damaged anywhere ends in a typed error and leaves nothing', async () => {
    const whole = pack({ 'model.gguf': bytes, 'other.txt': modelBytes(3000) });
    for (let i = 1; i < 12; i++) {
      const cut = whole.slice(0, Math.floor((whole.length * i) / 12));
      await expect(resolveArchive(name, cut), `cut ${i}`).rejects.toThrow(ClawdbotError);
    }
    const damaged = whole.slice();
    damaged[Math.floor(whole.length / 2)] ^= 0xff;
    await expect(resolveArchive(name, damaged)).rejects.toThrow(ClawdbotError);
    expect(names()).toEqual([]);
  });

  it('damaged at random never ends in anything but a model or a typed error', async () => {
    const whole = pack({ 'model.gguf': modelBytes(2000) });
    for (let seed = 0; seed < 60; seed++) {
      const damaged = whole.slice();
      for (let i = 0; i < 3; i++) damaged[(seed * 7919 + i * 104_729) % whole.length] = (seed * 31 + i * 17) & 255;
      const result = await resolveArchive(name, damaged).catch((error: unknown) => error);
      if (!Array.isArray(result)) expect(result, `seed ${seed}`).toBeInstanceOf(ClawdbotError);
      cacheDir = temporaryDir();
    }
  });
});

describe('a tar', () => {
  it('has links, which are no models', async () => {
    const files = [
      { name: 'a.gguf', type: '2', link: '/etc/passwd' }, { name: 'b.gguf', type: '1', link: '../../x' },
      { name: 'model.gguf', bytes },
    ];
    const [file] = await resolveArchive('a.tgz', tgzOf(files));
    expect(path.basename(file)).toBe('model.gguf');
    expectSame(file, bytes);
  });

  it('has long names in both ways of writing them', async () => {
    const long = `${'d/'.repeat(60)}model.gguf`;
    const gnu = [{ name: '././@LongLink', type: 'L', bytes: text(`${long}\0`) }, { name: long.slice(0, 90), bytes }];
    const record = (body: string): string => {
      const length = body.length + 2;
      return `${length + String(length + 3).length} ${body}\n`;
    };
    const pax = [{ name: 'PaxHeader', type: 'x', bytes: text(record(`path=${long}`)) }, { name: 'short', bytes }];
    for (const [i, files] of [gnu, pax].entries()) {
      const [file] = await resolveArchive(`a${i}.tar.gz`, tgzOf(files));
      expect(path.basename(file)).toBe('model.gguf');
      expectSame(file, bytes);
    }
  });
});

describe('a zip', () => {
  it('may state its sizes in 64 bits', async () => {
    const [file] = await resolveArchive('a.zip', zip64Of('model.gguf', bytes));
    expectSame(file, bytes);
  });

  it('that is encrypted or packed otherwise is refused', async () => {
    for (const [at, value] of [[8, 1], [10, 12]]) {
      const archive = Buffer.from(zipOf({ 'model.gguf': bytes }));
      const central = archive.lastIndexOf(Buffer.from('PK\x01\x02'));
      archive.writeUInt16LE(value, central + at);
      await expect(resolveArchive('a.zip', archive)).rejects.toThrow(/encrypted|compression method 12/);
    }
  });

  it('resumes its download like any file', async () => {
    const archive = zipOf({ 'model.gguf': bytes });
    server.files.set('/cut.zip', { bytes: archive, cutAfter: 100_000 });
    const model = await resolveModel(server.url('/cut.zip'), { cacheDir, ...quick });
    expectSame(model.files[0], bytes);
    expect(server.gets('/cut.zip')).toHaveLength(2);
  });
});

/** One stored file whose sizes and offsets are all in zip64 fields (APPNOTE 4.3.14, 4.5.3). */
function zip64Of(name: string, content: Uint8Array): Uint8Array {
  const wide = Buffer.alloc(28);
  wide.writeUInt16LE(1, 0);
  wide.writeUInt16LE(24, 2);
  wide.writeBigUInt64LE(BigInt(content.length), 4);
  wide.writeBigUInt64LE(BigInt(content.length), 12);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt32LE(crc32(content), 16);
  central.writeUInt32LE(0xffffffff, 20);
  central.writeUInt32LE(0xffffffff, 24);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt16LE(wide.length, 30);
  central.writeUInt32LE(0xffffffff, 42);
  const data = Buffer.concat([local, Buffer.from(name), content]);
  const directory = Buffer.concat([central, Buffer.from(name), wide]);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(1n, 32);
  end64.writeBigUInt64LE(BigInt(directory.length), 40);
  end64.writeBigUInt64LE(BigInt(data.length), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(data.length + directory.length), 8);
  const end = Buffer.alloc(22, 0xff);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(0, 20);
  return Buffer.concat([data, directory, end64, locator, end]);
}

describe('the checksum', () => {
  it('is the CRC-32 of the standard, in pieces too', () => {
    expect(tableCrc32(text('123456789'))).toBe(0xcbf43926);
    expect(crc32(text('123456789'))).toBe(0xcbf43926);
    expect(tableCrc32(text('6789'), tableCrc32(text('12345')))).toBe(0xcbf43926);
  });
});
