// What compiled kernels must not have: what instantiating them once more would reset, or what threads would share.
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { readWasm } from './wasm-module.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const BUILDS = ['baseline', 'baseline-shared', 'relaxed', 'relaxed-shared', 'dot', 'dot-shared'] as const;
const RELAXED_FROM = 0x100;

const load = (build: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(inRepository('dist/kernels', `${build}.wasm`)));

describe.each(BUILDS)('the %s kernels', (build) => {
  const module = readWasm(load(build));

  it('import a memory and nothing else', () => {
    const isShared = build.endsWith('shared');
    expect(module.imports).toEqual([{ module: 'env', field: 'memory', kind: 'memory', isShared }]);
  });

  it('have no data that a second instance would write over the first one’s', () => {
    expect(module.numDataSegments).toBe(0);
    expect(module.hasStart).toBe(false);
  });

  it('write no globals', () => {
    expect([...module.writtenGlobals]).toEqual([]);
  });

  // Its results differ between machines, and the baseline's must not.
  const isRelaxed = !build.startsWith('baseline');
  it(`use ${isRelaxed ? '' : 'no '}relaxed SIMD`, () => {
    expect(module.vectorOpcodes.size).toBeGreaterThan(50);
    expect([...module.vectorOpcodes].some((opcode) => opcode >= RELAXED_FROM)).toBe(isRelaxed);
  });

  it('export functions of the same names in every build, but for those that only relaxed SIMD can do', () => {
    const relaxedOnly = readFileSync(inRepository('assembly/index-relaxed.ts'), 'utf8').replaceAll(/^\/\/.*$|from '.*'|export/gm, '').match(/\w+/g)!;
    expect(relaxedOnly.length).toBeGreaterThan(5);
    const expected = [...readWasm(load('baseline')).exports, ...(isRelaxed ? relaxedOnly : [])];
    expect([...module.exports].sort()).toEqual(expected.sort());
    expect(module.exports).toContain('barrier');
    expect(module.exports).not.toContain('memory');
  });

  it('are the kind of module that this test understands', () => {
    const exported = WebAssembly.Module.exports(new WebAssembly.Module(load(build)));
    expect(module.exports).toEqual(exported.map(({ name }) => name));
  });
});

describe('the reader of these tests', () => {
  /** (module (global (mut i32) (i32.const 0)) (memory 1) (func i32.const 1 global.set 0) (data (i32.const 0) "x")) */
  const OFFENDER = Uint8Array.of(
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 6, 6, 1, 0x7f, 1, 0x41, 0, 0x0b,
    10, 8, 1, 6, 0, 0x41, 1, 0x24, 0, 0x0b, 11, 7, 1, 0, 0x41, 0, 0x0b, 1, 0x78,
  );

  it('sees globals, their writers and data', () => {
    expect(WebAssembly.validate(OFFENDER)).toBe(true);
    expect(readWasm(OFFENDER)).toMatchObject({
      globals: [{ isMutable: true }], numDataSegments: 1, writtenGlobals: new Set([0]), imports: [],
    });
  });

  it('refuses what is no module', () => {
    expect(() => readWasm(new Uint8Array(16))).toThrow(/no wasm module/);
  });
});
