// What npm would publish: small, pure JavaScript and WebAssembly, no install scripts, types that compile.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { inRepository } from './support/fixtures.ts';

const LARGEST_UNPACKED_BYTES = 5.1e6;
const RUNTIME_DEPENDENCIES = ['@hono/node-server', '@huggingface/jinja', 'hono', 'pino', 'prom-client', 'zod'];

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const readJson = <T>(...parts: string[]): T => JSON.parse(readFileSync(inRepository(...parts), 'utf8')) as T;
const manifest = readJson<{
  scripts: Record<string, string>; dependencies: Record<string, string>; optionalDependencies?: object;
}>('package.json');

describe('the published package', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-pack-'));
  let packed: Packed;

  beforeAll(() => {
    execFileSync(process.execPath, [inRepository('scripts/build-types.mjs')]);
    execFileSync(process.execPath, [inRepository('scripts/build-web.mjs'), '--quiet']);
    const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], {
      cwd: inRepository(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'],
    });
    [packed] = JSON.parse(output) as [Packed];
    execFileSync('tar', ['-xzf', path.join(dir, packed.filename), '-C', dir]);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('is small', () => {
    expect(packed.unpackedSize).toBeLessThan(LARGEST_UNPACKED_BYTES);
  });

  it('has what it needs and nothing else', () => {
    const names = packed.files.map((file) => file.path);
    expect(names).toEqual(expect.arrayContaining([
      'LICENSE', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'docs/api.md', 'docs/models.md', 'models/catalog.json',
      'dist/index.js', 'dist/deno.js', 'dist/bun.js', 'dist/browser.js', 'dist/workerd.js', 'dist/edge-light.js', 'dist/default.js',
      'dist/cli.js', 'dist/web/index.html',
      'dist/types/index.d.ts', 'dist/kernels/baseline-shared.wasm', 'dist/kernels/relaxed-shared.wasm',
      'dist/kernels/dot-shared.wasm',
    ]));
    const allowed = /^(dist\/[\w/.-]+\.(js|wasm|d\.ts)|dist\/web\/[\w/.-]+\.(html|css|svg|webmanifest|json)|deploy\/(clawdbot\.service|Dockerfile)|models\/catalog\.json|docs\/[\w-]+\.md|package\.json|[A-Z]+(\.md)?)$/;
    expect(names.filter((name) => !allowed.test(name) || name.includes('.test.'))).toEqual([]);
  });

  it('has scripts that V8 keeps at a byte a character', () => {
    const scripts = packed.files.filter((file) => file.path.endsWith('.js') && !file.path.startsWith('dist/web/'));
    expect(scripts.length).toBeGreaterThan(10);
    const wide = scripts.filter((file) => /[^\0-\xff]/.test(readFileSync(path.join(dir, 'package', file.path), 'utf8')));
    expect(wide.map((file) => file.path)).toEqual([]);
  });

  it('has whatever its README links to', () => {
    const readme = readFileSync(path.join(dir, 'package/README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link!);
    expect(links).toContain('docs/api.md');
    expect(links.filter((link) => !packed.files.some((file) => file.path === link))).toEqual([]);
  });

  it('starts where it is unpacked, with its dependencies beside it', () => {
    symlinkSync(inRepository('node_modules'), path.join(dir, 'node_modules'), 'dir');
    const program = path.join(dir, 'package/dist/cli.js');
    const model = inRepository('test/data/arch/gpt2.gguf');
    const output = execFileSync(process.execPath, [program, 'inspect', model, '--json']);
    expect(JSON.parse(output.toString())).toMatchObject({ architecture: 'gpt2' });
    expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('passes publint', async () => {
    const tarball = readFileSync(path.join(dir, packed.filename));
    const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball: bytes } });
    expect(messages.map((message) => formatMessage(message, pkg!))).toEqual([]);
  });

  it('has types that compile in a strict project', () => {
    const project = path.join(dir, 'consumer');
    mkdirSync(path.join(project, 'node_modules/@clawdbot'), { recursive: true });
    symlinkSync(path.join(dir, 'package'), path.join(project, 'node_modules/@clawdbot/runtime'), 'dir');
    const [, documented] = /^```ts\n([^]*?)^```/m.exec(readFileSync(inRepository('docs/api.md'), 'utf8'))!;
    writeFileSync(path.join(project, 'index.ts'), `
      import { Engine, ContextLengthError, type ChatMessage, type Completion, type GenerateChunk } from '@clawdbot/runtime';
      const engine = await Engine.load('smollm2', { threads: 2 });
      for await (const chunk of engine.generate([{ role: 'user', content: 'Hi' }])) {
        const typed: GenerateChunk = chunk;
        void typed;
      }
      const answer: Completion = await engine.complete('Hi', { temperature: 0, stop: ['x'] });
      const numbers: readonly number[] = answer.ids;
      // @ts-expect-error the temperature is a number
      await engine.complete('Hi', { temperature: 'hot' });
      ${documented}
      export { numbers, finishReason, ContextLengthError };
    `);
    writeFileSync(path.join(project, 'package.json'), '{"type":"module"}');
    writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({
      compilerOptions: {
        strict: true, noEmit: true, target: 'ES2022', module: 'NodeNext', types: [],
        lib: ['ES2022', 'DOM', 'ESNext.Disposable'],
      },
      files: ['index.ts'],
    }));
    // Without the DOM's library, whose place Node's types take, and with the package's own declarations checked.
    symlinkSync(inRepository('node_modules/@types'), path.join(project, 'node_modules/@types'), 'dir');
    symlinkSync(inRepository('node_modules/undici-types'), path.join(project, 'node_modules/undici-types'), 'dir');
    writeFileSync(path.join(project, 'without-dom.json'), JSON.stringify({
      compilerOptions: {
        strict: true, noEmit: true, target: 'ES2022', module: 'NodeNext', types: ['node'], lib: ['ES2023', 'ESNext.Disposable'], skipLibCheck: false,
      },
      files: ['index.ts'],
    }));
    const compiler = inRepository('node_modules/typescript/bin/tsc');
    const run = (config: string): string => {
      try {
        return execFileSync(process.execPath, [compiler, '-p', path.join(project, config)], { encoding: 'utf8' });
      } catch (error) {
        return (error as { stdout: string }).stdout;
      }
    };
    expect(run('tsconfig.json')).toBe('');
    expect(run('without-dom.json')).toBe('');
  });
});

describe('package.json and the lock file', () => {
  it('run nothing at installation', () => {
    const names = Object.keys(manifest.scripts);
    expect(names.filter((name) => /^(pre|post)?install$|^(pre|post)?prepare$|^dependencies$/.test(name))).toEqual([]);
  });

  it('name few runtime dependencies, all of them justified in the README', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(RUNTIME_DEPENDENCIES);
    expect(manifest.optionalDependencies).toBeUndefined();
    const readme = readFileSync(inRepository('README.md'), 'utf8');
    for (const name of RUNTIME_DEPENDENCIES) expect(readme).toContain(`\`${name}\``);
  });

  it('depend at run time, whatever that depends on included, on packages without install scripts or native code', () => {
    const { packages } = readJson<{ packages: Record<string, { dev?: boolean; devOptional?: boolean; hasInstallScript?: boolean }> }>(
      'package-lock.json');
    const needed = Object.entries(packages).filter(([name, { dev, devOptional }]) => name !== '' && !dev && !devOptional);
    expect(needed.length).toBeGreaterThanOrEqual(RUNTIME_DEPENDENCIES.length);
    expect(needed.filter(([, entry]) => entry.hasInstallScript).map(([name]) => name)).toEqual([]);
    for (const [name] of needed) {
      expect(readJson<{ gypfile?: boolean }>(name, 'package.json')).not.toHaveProperty('gypfile');
      const files = readdirSync(inRepository(name), { recursive: true, encoding: 'utf8' });
      expect(files.filter((file) => /\.(node|so|dylib|dll)$/.test(file))).toEqual([]);
    }
  });

  it('name no registry', () => {
    expect(readFileSync(inRepository('package-lock.json'), 'utf8')).not.toMatch(/\.tgz"|"resolved": "https?:/);
    expect(readFileSync(inRepository('.npmrc'), 'utf8')).not.toMatch(/^\s*(@.*:)?registry\s*=/m);
  });
});
