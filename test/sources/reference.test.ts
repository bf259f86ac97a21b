// Model references: what each form means, and that no text, however odd, ends in anything but a typed error.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { checkedCatalog, defaultCatalog } from '../../src/sources/catalog.ts';
import { describeReference } from '../../src/sources/fetch-reference.ts';
import { pathOfFileUrl } from '../../src/sources/local.ts';
import { parseReference, parseSource } from '../../src/sources/reference.ts';
import type { SourceReference } from '../../src/sources/reference.ts';
import { catalogOf, modelBytes } from './workbench.ts';

describe('references', () => {
  const rows: [string, SourceReference][] = [
    ['model.gguf', { kind: 'path', path: 'model.gguf' }],
    ['~/models/a.gguf', { kind: 'path', path: '~/models/a.gguf' }],
    ['C:\\models\\a.gguf', { kind: 'path', path: 'C:\\models\\a.gguf' }],
    ['file:///tmp/a%20b.gguf', { kind: 'path', path: '/tmp/a b.gguf' }],
    ['https://x.org/a.gguf', { kind: 'url', url: new URL('https://x.org/a.gguf') }],
    ['https://x.org/a.zip#in/b.gguf', { kind: 'url', url: new URL('https://x.org/a.zip'), pick: 'in/b.gguf' }],
    ['hf:u/r', { kind: 'hub', repo: 'u/r', revision: 'main', quant: undefined }],
    ['hf:u/r:Q8_0', { kind: 'hub', repo: 'u/r', revision: 'main', quant: 'Q8_0' }],
    ['hf:u/r@v1:Q8_0', { kind: 'hub', repo: 'u/r', revision: 'v1', quant: 'Q8_0' }],
    ['hf:u/r/d/a.gguf@refs/pr/1', { kind: 'hub', repo: 'u/r', revision: 'refs/pr/1', file: 'd/a.gguf' }],
    ['pip:a-b==1.0#m/x.gguf', { kind: 'pip', parts: [{ package: 'a-b', version: '1.0', path: 'm/x.gguf' }] }],
    ['pip:a==1.0+cpu#x.0+x.1+b==2#y%2B.2', {
      kind: 'pip',
      parts: [
        { package: 'a', version: '1.0+cpu', path: 'x.0' }, { package: 'a', version: '1.0+cpu', path: 'x.1' },
        { package: 'b', version: '2', path: 'y+.2' },
      ],
    }],
  ];
  it.each(rows)('%s', (text, expected) => {
    expect(parseSource(text, pathOfFileUrl)).toEqual(expected);
  });

  it.each([
    '', '   ', 'a\0b', 'x'.repeat(9000), 'ftp://x/y.gguf', 'hf:', 'hf:user', 'hf:../r', 'hf:u/..', 'hf:u/a--b',
    'hf:u/r/../x', 'hf:u/r@../../x', 'hf:u/r:', 'hf:u/r/f.gguf:Q4_0', 'hf:u/r/a//b', 'hf:-u/r', 'pip:', 'pip:a',
    'pip:a==1', 'pip:a#x', 'https://x/%zz.gguf', 'https://%zz@x/y.gguf', 'pip:a==1#', 'pip:a==1#../x',
    'pip:a==1#/etc/passwd', 'pip:--index-url=http://evil==1#x', 'pip:a==-r#x',
    'pip:a==1;import os#x', 'pip:a @ file:///x==1#y', 'pip:a==1.*#x', 'pip:a==1#x+', 'pip:a==1#x+b#y', 'pip:a==1#%zz',
    'https://', 'https://x/a.zip#../b.gguf',
  ])('%s is refused', (text) => {
    expect(() => parseReference(text, { models: [] }, pathOfFileUrl)).toThrow(InvalidArgumentError);
  });

  it('any text is understood or refused with a typed error', () => {
    const start = fc.constantFrom('', 'hf:', 'pip:', 'https://', 'file://', 'hf:a/b', 'pip:a==1#');
    fc.assert(fc.property(start, fc.string({ maxLength: 60 }), (prefix, rest) => {
      try {
        parseReference(prefix + rest, { models: [] }, pathOfFileUrl);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidArgumentError);
      }
    }), { numRuns: 2000 });
  });

  it('a reference as it is recorded means the same again, and differing ones have different folders', () => {
    const texts = rows.map(([text]) => text).filter((text) => /^(hf|pip|https):/.test(text));
    const keys = texts.map((text) => {
      const described = describeReference(parseSource(text, pathOfFileUrl) as Exclude<SourceReference, { kind: 'path' }>);
      expect(described.key).toMatch(/^[A-Za-z0-9._-]{1,90}$/);
      if (!text.includes('%2B')) {
        expect(describeReference(parseSource(described.reference, pathOfFileUrl) as never).key).toBe(described.key);
      }
      return described.key;
    });
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the catalog', () => {
  it('of the package has the models that are promised, each with a source that can be parsed', () => {
    const { models } = defaultCatalog();
    expect(models.map(({ name }) => name)).toEqual(expect.arrayContaining(['smollm2', 'gemma3-270m', 'all-minilm']));
    for (const model of models) {
      expect(model.licence).not.toBe('');
      for (const source of model.sources) expect(['pip', 'hub', 'url']).toContain(parseSource(source, pathOfFileUrl).kind);
    }
  });

  it('refuses entries that could not be verified or stored', () => {
    const good = catalogOf('https://x/y.gguf', modelBytes(8)).models[0];
    const bad = [
      { name: '../x' }, { name: 'Upper' }, { sha256: 'abc' }, { sizeBytes: 0 }, { sizeBytes: 1.5 },
      { fileName: '../../x' }, { fileName: 'a/b' }, { sources: [] },
    ];
    for (const change of bad) {
      const check = (): unknown => checkedCatalog({ models: [{ ...good, ...change }] });
      expect(check, JSON.stringify(change)).toThrow(InvalidArgumentError);
    }
    expect(() => checkedCatalog({ models: [good, good] })).toThrow(/twice/);
    expect(checkedCatalog({ models: [good] }).models).toEqual([good]);
  });
});
