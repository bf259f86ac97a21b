// The local source: files, folders, split models, and the message when something is missing.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { ModelSourceError, UnsupportedModelError } from '../../src/errors.ts';
import { resolveModel } from '../../src/sources/resolve.ts';
import { allParts } from '../../src/sources/split-names.ts';
import { temporaryDir } from './workbench.ts';

const dir = temporaryDir();
const at = (...names: string[]): string => path.join(dir, ...names);

beforeAll(() => {
  for (const folder of ['one', 'two', 'split', 'gap', 'none']) mkdirSync(at(folder));
  const files = [
    'a.gguf', 'one/a.gguf', 'one/mmproj-a.gguf', 'one/readme.md', 'two/a.gguf', 'two/b.gguf',
    ...[1, 2, 3].map((i) => `split/m-0000${i}-of-00003.gguf`), 'gap/m-00001-of-00003.gguf', 'gap/m-00003-of-00003.gguf',
  ];
  for (const file of files) writeFileSync(at(file), 'GGUF');
});

const filesOf = async (reference: string | URL): Promise<string[]> =>
  (await resolveModel(reference, { env: { HOME: dir }, offline: true })).files.map((file) => path.relative(dir, file));

describe('a local model', () => {
  it('is a file, a home-relative file, a file: URL or a folder with one model', async () => {
    expect(await filesOf(at('a.gguf'))).toEqual(['a.gguf']);
    expect(await filesOf('~/a.gguf')).toEqual(['a.gguf']);
    expect(await filesOf(pathToFileURL(at('a.gguf')))).toEqual(['a.gguf']);
    expect(await filesOf(at('one'))).toEqual([path.join('one', 'a.gguf')]);
    expect(await resolveModel(at('a.gguf'))).toMatchObject({ name: 'a', format: 'gguf', source: at('a.gguf') });
  });

  it('has all parts of a split, whichever is named', async () => {
    const parts = [1, 2, 3].map((i) => path.join('split', `m-0000${i}-of-00003.gguf`));
    expect(await filesOf(at('split'))).toEqual(parts);
    expect(await filesOf(at('split', 'm-00003-of-00003.gguf'))).toEqual(parts);
  });

  it('that is not whole, not one or not there is an error that says so', async () => {
    await expect(filesOf(at('gap'))).rejects.toThrow(/3 parts and m-00002-of-00003\.gguf cannot be found/);
    await expect(filesOf(at('two'))).rejects.toThrow(/several models: a\.gguf, b\.gguf/);
    await expect(filesOf(at('none'))).rejects.toThrow(/no \.gguf file/);
    await expect(filesOf('docs')).rejects.toThrow(/The folder ".*docs" has no \.gguf file/);
    await expect(filesOf(at('missing.gguf'))).rejects.toThrow(ModelSourceError);
    await expect(filesOf('smolm2')).rejects.toThrow(/no model "smolm2".*smollm2, gemma3-270m.*hf:user\/repo/);
    await expect(filesOf('SmolLM')).rejects.toThrow(/Did you mean smollm2\?/);
    await expect(filesOf('qwen')).rejects.not.toThrow(/Did you mean|all-minilm/);
  });

  it.skipIf(process.platform === 'win32')('that is a device is an error that says so', async () => {
    await expect(filesOf('/dev/null')).rejects.toThrow('"/dev/null" is neither a file nor a folder.');
  });

  it('that the catalog lists for other uses is refused before anything is fetched', async () => {
    const options = { cacheDir: at('cache'), env: { HOME: dir, PATH: '' } };
    await expect(resolveModel('all-minilm', options)).rejects.toThrow(UnsupportedModelError);
    await expect(resolveModel('all-minilm', options)).rejects.toThrow(/safetensors.*Nothing was downloaded/);
    await expect(resolveModel('all-minilm', { ...options, offline: true, anyFormat: true }))
      .rejects.toThrow(ModelSourceError);
  });
});

describe('names of split files', () => {
  it('are understood, or refused where they contradict themselves', () => {
    expect(allParts('a.gguf')).toEqual(['a.gguf']);
    expect(allParts('a-00002-of-00010.gguf')[9]).toBe('a-00010-of-00010.gguf');
    expect(allParts('x-00001-of-00002.GGUF')).toEqual(['x-00001-of-00002.GGUF', 'x-00002-of-00002.GGUF']);
    for (const places of ['00003-of-00002', '00000-of-00002', '00001-of-99999', '00001-of-00000']) {
      expect(() => allParts(`a-${places}.gguf`)).toThrow(ModelSourceError);
    }
  });
});
