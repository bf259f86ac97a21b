// Two processes that want the same model: one fetches, the other waits; a dead owner's lock is taken over.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock } from '../../src/sources/lock.ts';
import { resolveModel } from '../../src/sources/resolve.ts';
import type { Progress } from '../../src/sources/resolve.ts';
import { inRepository } from '../support/fixtures.ts';
import { FileServer } from './file-server.ts';
import { expectSame, filesBelow, modelBytes, quick, temporaryDir } from './workbench.ts';

const bytes = modelBytes(600_000);
const programDir = temporaryDir();
const program = path.join(programDir, 'resolve.mjs');
let server: FileServer;
let cacheDir: string;

beforeAll(async () => {
  server = await new FileServer().start();
  await esbuild.build({
    stdin: {
      contents: `import { resolveModel } from './src/sources/resolve.ts';
        const [reference, cacheDir] = process.argv.slice(2);
        const model = await resolveModel(reference, { cacheDir, onProgress: (p) => process.send?.(p) });
        console.log(model.files[0]);`,
      resolveDir: inRepository(), loader: 'ts',
    },
    bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile: program,
  });
});
afterAll(() => server.stop());
beforeEach(() => {
  server.files.clear();
  server.requests.length = 0;
  cacheDir = temporaryDir();
});

interface Run {
  child: ChildProcess;
  done: Promise<{ code: number | null; output: string; seen: Progress[] }>;
}

function run(reference: string): Run {
  const child = spawn(process.execPath, [program, reference, cacheDir], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const seen: Progress[] = [];
  let output = '';
  child.on('message', (message) => seen.push(message as Progress));
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const done = new Promise<{ code: number | null; output: string; seen: Progress[] }>((resolve) => {
    child.on('close', (code) => resolve({ code, output: output.trim(), seen }));
  });
  return { child, done };
}

const started = (count: number): Promise<void> => until(() => server.gets().length >= count);

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i > 2000) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('two processes', () => {
  it('download once; the second waits, sees the progress, and gets the same file', async () => {
    server.files.set('/t.gguf', { bytes, pauseMs: 60 });
    const runs = [run(server.url('/t.gguf')), run(server.url('/t.gguf'))];
    const [a, b] = await Promise.all(runs.map(({ done }) => done));
    expect([a.code, b.code]).toEqual([0, 0]);
    expect(a.output).toBe(b.output);
    expectSame(a.output, bytes);
    expect(server.gets()).toHaveLength(1);
    expect([...a.seen, ...b.seen].some((progress) => progress.waiting === true && progress.loadedBytes > 0)).toBe(true);
    expect(readdirSync(path.join(cacheDir, 'locks'))).toEqual([]);
  });

  it('one that is killed leaves a lock and a part; the next takes both over', async () => {
    server.files.set('/t.gguf', { bytes, pauseMs: 30 });
    const first = run(server.url('/t.gguf'));
    await started(1);
    await until(() => (server.gets()[0].bytesSent ?? 0) > 150_000);
    first.child.kill('SIGKILL');
    await first.done;
    expect(readdirSync(path.join(cacheDir, 'locks'))).toHaveLength(1);
    const model = await resolveModel(server.url('/t.gguf'), { cacheDir, ...quick });
    expectSame(model.files[0], bytes);
    expect(server.gets()[1].headers.range).toMatch(/^bytes=\d{5,}-$/);
    expect(readdirSync(path.join(cacheDir, 'locks'))).toEqual([]);
  });

  it('one that waits can be aborted, and the other goes on', async () => {
    server.files.set('/t.gguf', { bytes, pauseMs: 30 });
    const first = run(server.url('/t.gguf'));
    await started(1);
    const begun = performance.now();
    const signal = AbortSignal.timeout(200);
    await expect(resolveModel(server.url('/t.gguf'), { cacheDir, signal })).rejects.toThrow(/timeout/);
    expect(performance.now() - begun).toBeLessThan(500);
    expect((await first.done).code).toBe(0);
    expect(server.gets()).toHaveLength(1);
  });
});

describe('calls in one process', () => {
  it('share one download too', async () => {
    server.files.set('/t.gguf', { bytes, pauseMs: 5 });
    const models = await Promise.all([1, 2, 3].map(() => resolveModel(server.url('/t.gguf'), { cacheDir })));
    expect(new Set(models.map((model) => model.files[0])).size).toBe(1);
    expect(server.gets()).toHaveLength(1);
  });

  it('never hold the same lock at once, whatever stale lock they find', async () => {
    const file = path.join(cacheDir, 'locks', 'key.lock');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ token: 'old', pid: 1, host: 'another machine' }));
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(file, longAgo, longAgo);
    let holders = 0;
    let most = 0;
    await Promise.all(Array.from({ length: 8 }, async () => {
      const lock = await acquireLock(cacheDir, 'key', {});
      most = Math.max(most, ++holders);
      await new Promise((resolve) => setTimeout(resolve, 3));
      holders--;
      await lock.release();
    }));
    expect(most).toBe(1);
    expect(existsSync(file)).toBe(false);
    expect(filesBelow(cacheDir)).toEqual({});
  });

  it('take no process of another machine or container for one of theirs', async () => {
    const file = path.join(cacheDir, 'locks', 'key.lock');
    mkdirSync(path.dirname(file), { recursive: true });
    const gone = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => gone.on('close', resolve));
    // The same host name, another list of processes: as in two containers that share a cache.
    writeFileSync(file, JSON.stringify({ token: 'other', pid: gone.pid, host: `${os.hostname()} elsewhere` }));
    await expect(acquireLock(cacheDir, 'key', { signal: AbortSignal.timeout(300) })).rejects.toThrow(/timeout/);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ token: 'other' });
  });

  it('wait for a lock whose owner lives, and see what it notes', async () => {
    const lock = await acquireLock(cacheDir, 'key', {});
    const progress = { phase: 'download', file: 'f', loadedBytes: 5, totalBytes: 9 } as const;
    lock.note(progress);
    const seen: Progress[] = [];
    const waiting = acquireLock(cacheDir, 'key', { report: (noted) => seen.push(noted) });
    await until(() => seen.length > 0);
    expect(seen[0]).toEqual({ ...progress, waiting: true });
    expect(readFileSync(path.join(cacheDir, 'locks', 'key.lock')).length).toBe(1024);
    await lock.release();
    await (await waiting).release();
  });
});
