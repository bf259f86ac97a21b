// The rules of the code that a machine can check: which layer imports which, no node: in portable code, file sizes.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inRepository } from './support/fixtures.ts';

interface SourceFile {
  /** Below src/, with forward slashes. */
  readonly name: string;
  readonly text: string;
  readonly imports: readonly string[];
}

/** What each layer may import besides itself; files directly below src/ count as layers of their own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'steps.ts': [],
  gguf: ['errors.ts'],
  quant: ['errors.ts', 'gguf'],
  tokenizer: ['errors.ts', 'steps.ts', 'gguf'],
  chat: ['errors.ts', 'steps.ts', 'gguf', 'tokenizer'],
  backends: ['errors.ts', 'gguf', 'quant'],
  layers: ['errors.ts', 'gguf', 'quant', 'backends'],
  architectures: ['errors.ts', 'gguf', 'quant', 'backends', 'layers'],
  grammar: ['errors.ts', 'steps.ts', 'gguf', 'tokenizer'],
  engine: ['errors.ts', 'steps.ts', 'gguf', 'quant', 'tokenizer', 'chat', 'grammar', 'backends', 'layers', 'architectures', 'platform'],
  sources: ['errors.ts', 'gguf'],
  platform: ['errors.ts', 'gguf', 'sources'],
  'api.ts': ['errors.ts', 'gguf', 'quant', 'tokenizer', 'chat', 'engine', 'platform'],
  entry: ['api.ts', 'platform'],
  'index.ts': ['entry'],
  adapters: [],
  serve: ['errors.ts', 'chat', 'engine'],
  cli: ['errors.ts', 'serve', 'gguf', 'tokenizer', 'chat', 'architectures', 'engine', 'platform', 'sources'],
};
/** Imports against the direction that are types only. */
const TYPE_ONLY: readonly (readonly [string, string])[] = [
  ['layers', 'architectures'], ['platform', 'engine'], ['backends', 'platform'],
];
/** Where Node may be named. */
const NODE_ALLOWED = /^(platform\/(node|deno|bun)|sources\/|cli\/|serve\/node\/|engine\/compute\/worker-node\.ts$)/;
/** Tables: their length is that of the facts. */
const LONG_TABLES: readonly string[] = ['quant/iq-grids.ts', 'tokenizer/pre-tokenizers.ts'];
const LONGEST_FILE = 400;

const files = readSources();

function readSources(): SourceFile[] {
  const root = inRepository('src');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const text = readFileSync(path.join(root, name), 'utf8');
      return { name, text, imports: statements(text).map(({ from }) => from) };
    });
}

function statements(text: string): { statement: string; from: string }[] {
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'/gm)]
    .map(([statement, from]) => ({ statement, from: from! }));
}

const layerOf = (name: string): string => (name.includes('/') ? name.slice(0, name.indexOf('/')) : name);
const resolved = (file: SourceFile, specifier: string): string =>
  path.posix.normalize(path.posix.join(path.posix.dirname(file.name), specifier));

function isTypeOnly(file: SourceFile, specifier: string): boolean {
  return statements(file.text).filter(({ from }) => from === specifier)
    .every(({ statement }) => /^(import|export) type\b/.test(statement));
}

describe('layers', () => {
  it('are all known', () => {
    expect([...new Set(files.map(({ name }) => layerOf(name)))].filter((layer) => !(layer in MAY_IMPORT))).toEqual([]);
  });

  it('import only what lies below them', () => {
    const isAllowed = (file: SourceFile, specifier: string): boolean => {
      const [from, to] = [layerOf(file.name), layerOf(resolved(file, specifier))];
      // Above src/ lie package.json and the catalog.
      if (from === to || to === '..' || MAY_IMPORT[from]!.includes(to)) return true;
      return TYPE_ONLY.some(([a, b]) => a === from && b === to) && isTypeOnly(file, specifier);
    };
    const wrong = files.flatMap((file) => file.imports
      .filter((specifier) => specifier.startsWith('.') && !isAllowed(file, specifier))
      .map((specifier) => `${file.name} → ${resolved(file, specifier)}`));
    expect(wrong).toEqual([]);
  });

  it('have no cycles of modules that run', () => {
    const graph = new Map(files.map((file) => [file.name, file.imports
      .filter((specifier) => specifier.startsWith('.') && !isTypeOnly(file, specifier))
      .map((specifier) => resolved(file, specifier))]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (name: string, trail: readonly string[]): void => {
      if (trail.includes(name)) {
        cycles.push([...trail.slice(trail.indexOf(name)), name].join(' → '));
        return;
      }
      if (done.has(name)) return;
      for (const next of graph.get(name) ?? []) visit(next, [...trail, name]);
      done.add(name);
    };
    for (const name of graph.keys()) visit(name, []);
    expect(cycles).toEqual([]);
  });

  it('name Node only where a runtime is meant', () => {
    const wrong = files.filter(({ name, imports, text }) => !NODE_ALLOWED.test(name) &&
      (imports.some((specifier) => specifier.startsWith('node:')) ||
        /\bimport\('node:|\bprocess\.|\bBuffer\./.test(text)));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it('import packages only where they are needed', () => {
    const packages = files.flatMap(({ name, imports }) => imports
      .filter((specifier) => !/^(\.|node:)/.test(specifier)).map((specifier) => `${layerOf(name)}: ${specifier}`));
    const adapters = /^adapters: (@clawdbot\/runtime|@ai-sdk\/provider|@langchain\/core\/[\w/]+)$/;
    const expected = /^(chat: @huggingface\/jinja|sources: @noble\/hashes\/(sha2|utils)\.js|platform: #inline\/[\w-]+|cli: @clawdbot\/runtime|serve: (hono(\/cors)?|zod|@hono\/node-server|pino|prom-client))$/;
    expect(packages.filter((use) => !expected.test(use) && !adapters.test(use))).toEqual([]);
  });
});

describe('files', () => {
  it.each(files)('$name opens with what it holds and is not long', ({ name, text }) => {
    expect(text.replace(/^#!.*\n/, '')).toMatch(/^\/\/ .{10,}/);
    if (!LONG_TABLES.includes(name)) expect(text.split('\n').length - 1).toBeLessThanOrEqual(LONGEST_FILE);
  });

  it('are short on the whole', () => {
    const lengths = files.map(({ text }) => text.split('\n').length - 1).sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(100);
  });

  it('have no notes to self', () => {
    expect(files.filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text)).map(({ name }) => name)).toEqual([]);
  });
});
