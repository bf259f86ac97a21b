// The package's entries: conditions in the right order, files that exist, the same names everywhere, nothing of Node's in those
// that must do without it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import * as esbuild from 'esbuild';
import { describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';

type Target = string | { readonly [condition: string]: string };

const manifest = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { exports: Record<string, Target> };
const RUNTIMES = ['deno', 'bun', 'workerd', 'edge-light', 'browser', 'node', 'default'];
/** Files by runtime; Node's has the name it had before there were others. */
const fileOf = (runtime: string): string => `dist/${runtime === 'node' ? 'index' : runtime}.js`;

/** Edge hosts have their kernels imported, as Node cannot. */
const IMPORTING_KERNELS = ['workerd', 'edge-light'];

async function namesExportedBy(runtime: string): Promise<string[]> {
  const { metafile } = await esbuild.build({
    entryPoints: [inRepository(fileOf(runtime))], bundle: true, format: 'esm', external: ['./kernels/*'], metafile: true, write: false,
  });
  return Object.values(metafile.outputs).flatMap((output) => output.exports);
}

const KERNELS = ['baseline', 'baseline-shared', 'relaxed', 'relaxed-shared', 'dot', 'dot-shared'];

describe('exports', () => {
  it('try the conditions in this order: Deno and Bun also answer to "node", edge hosts to "browser"', () => {
    expect(Object.keys(manifest.exports['.']!)).toEqual(['types', ...RUNTIMES]);
    for (const runtime of RUNTIMES) {
      expect((manifest.exports['.'] as Record<string, string>)[runtime]).toBe(`./${fileOf(runtime)}`);
      expect(manifest.exports[`./${runtime}`]).toEqual({ types: './dist/types/index.d.ts', default: `./${fileOf(runtime)}` });
    }
  });

  it('name files that exist', () => {
    const files = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? target : Object.values(target)));
    // The quick build before the tests makes no declarations.
    expect(files.filter((file) => !file.startsWith('./dist/types/') && !existsSync(inRepository(file)))).toEqual([]);
  });

  it('are the same in jsr.json', () => {
    const { status, stderr } = spawnSync(process.execPath, [inRepository('scripts/check-exports.mjs')], { encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
  });

  it('have every compiled kernel module', () => {
    expect(readdirSync(inRepository('dist/kernels')).filter((name) => name.endsWith('.wasm')).sort())
      .toEqual(KERNELS.map((name) => `${name}.wasm`).sort());
    for (const name of KERNELS) {
      expect(manifest.exports[`./kernels/${name}.wasm`]).toMatchObject({ default: `./dist/kernels/${name}.wasm` });
    }
  });
});

describe('entries', () => {
  // As strings: Deno's names Deno when its platform is asked, not when it is loaded.
  it('export the same names, each with an Engine of its own', async () => {
    const loadable = RUNTIMES.filter((runtime) => !IMPORTING_KERNELS.includes(runtime));
    const modules = await Promise.all(loadable.map((runtime) =>
      import(inRepository(fileOf(runtime))) as Promise<Record<string, unknown>>));
    const [first, ...others] = [
      ...modules.map((module) => Object.keys(module)),
      ...(await Promise.all(IMPORTING_KERNELS.map(namesExportedBy))),
    ].map((names) => names.sort());
    expect(first).toEqual(expect.arrayContaining(['Engine', 'createEngine', 'GgufError', 'openFile', 'readGguf']));
    for (const names of others) expect(names).toEqual(first);
    expect(new Set(modules.map(({ Engine }) => Engine)).size).toBe(loadable.length);
  });

  it.each(['workerd', 'edge-light', 'browser', 'default'])('of %s needs nothing that only Node has', (runtime) => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(inRepository('dist', file), 'utf8');
      const specifiers = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"|^import "([^"]+)"/gm)]
        .map(([, from, bare]) => (from ?? bare)!);
      expect(specifiers.filter((specifier) => !specifier.startsWith('./'))).toEqual([]);
      expect(/\.wasm\b/.test(text)).toBe(IMPORTING_KERNELS.includes(runtime) && file === `${runtime}.js`);
      expect(text).not.toMatch(/\bimport\("node:|\bprocess\.(env|platform|pid|argv)\b|\b__dirname\b/);
      for (const specifier of specifiers.filter((name) => name.endsWith('.js'))) visit(`${file.includes('/') ? 'chunks/' : ''}${specifier.slice(2)}`);
    };
    visit(`${runtime}.js`);
    expect(seen.size).toBeGreaterThan(1);
  });
});
