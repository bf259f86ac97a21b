// clawdbot serve, ps and stop as processes: who runs is shown, a stopped server finishes what it has begun, and the process of
// somebody else is never taken for one.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { uptime } from '../../src/cli/commands/ps.ts';
import { processStart } from '../../src/cli/servers/process-start.ts';
import { caseFile } from '../support/architecture-cases.ts';
import { PROGRAM, program } from './program.ts';
import { cli } from './surroundings.ts';

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly exit: Promise<unknown[]>;
}

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-servers-'));
const env = { CLAWDBOT_CACHE: cacheDir };
const running: Running[] = [];

async function start(...more: readonly string[]): Promise<Running> {
  const args = [PROGRAM, 'serve', `tiny=${caseFile('llama-tied.gguf')}`, '--port', '0', '--json', '--threads', '1', ...more];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.resume();
  const exit = once(child, 'exit');
  const [line] = await once(child.stdout!, 'data') as [Buffer];
  const server = { child, exit, url: (JSON.parse(line.toString()) as { url: string }).url };
  running.push(server);
  return server;
}

/** The first piece of a long answer, and what follows. */
async function stream({ url }: Running, maxTokens: number): Promise<() => Promise<string>> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tiny', prompt: 'a', max_tokens: maxTokens, ignore_eos: true, stream: true }),
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value ?? '';
  return async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    return text;
  };
}

const ps = async (): Promise<{ pid: number; url: string; models: string[]; since: string }[]> =>
  JSON.parse((await program(['ps', '--json'], { env })).stdout) as never;

beforeAll(() => mkdirSync(path.join(cacheDir, 'servers')));
afterEach(async () => {
  for (const { child, exit } of running.splice(0)) {
    child.kill('SIGKILL');
    await exit;
  }
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

describe('clawdbot ps and stop', () => {
  it('show a server, and end it once it has finished what it was asked', async () => {
    const server = await start();
    expect(await ps()).toMatchObject([{ pid: server.child.pid, url: server.url, models: ['tiny'] }]);
    // As many as a server computes at once where memory is no matter.
    expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(/^clawdbot_sequences_max\{.*\} 8$/m);
    expect((await program(['ps'], { env })).stdout).toMatch(new RegExp(`${server.child.pid} +${server.url} +\\d+s +tiny`));
    const rest = await stream(server, 400);
    const stopping = program(['stop', '--json'], { env });
    expect(await rest()).toMatch(/data: \[DONE\]\n\n$/);
    expect(await stopping).toMatchObject({ code: 0, stdout: expect.stringContaining(`${server.child.pid}`) as string });
    expect(await server.exit).toEqual([0, null]);
    expect(await ps()).toEqual([]);
    expect(readdirSync(path.join(cacheDir, 'servers'))).toEqual([]);
  });

  it('leave Ctrl-C to end it sooner, in an error for what runs', async () => {
    const server = await start('--quiet', '--context', '32768');
    let said = '';
    server.child.stderr!.on('data', (part: Buffer) => (said += part.toString()));
    const rest = await stream(server, 30_000);
    server.child.kill('SIGINT');
    await expect.poll(() => said, { timeout: 5000 }).toBe('1 request is running and gets 30 seconds. Ctrl-C ends it now.\n');
    server.child.kill('SIGINT');
    expect(await rest()).toMatch(/"code":"shutting_down"[^\n]*\n\n$/);
    expect(await server.exit).toEqual([130, null]);
    expect(readdirSync(path.join(cacheDir, 'servers'))).toEqual([]);
  });

  it('find a server that outlived the reader of its log', async () => {
    const server = await start();
    server.child.stderr!.destroy();
    for (let i = 0; i < 3; i++) expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(await ps()).toMatchObject([{ pid: server.child.pid }]);
    expect((await program(['stop'], { env })).code).toBe(0);
    expect(await server.exit).toEqual([0, null]);
  });

  it('end a server at once by force, and clean up after it', async () => {
    const server = await start();
    expect(await program(['stop', String(server.child.pid), '--force'], { env })).toMatchObject({ code: 0 });
    expect(await server.exit).toEqual([null, 'SIGKILL']);
    expect(readdirSync(path.join(cacheDir, 'servers'))).toEqual([]);
  });

  it('want to know which of several', async () => {
    const servers = [await start(), await start()];
    expect(await program(['stop'], { env })).toMatchObject({ code: 2, stderr: expect.stringContaining('2 servers run') as string });
    expect((await program(['stop', '--all'], { env })).code).toBe(0);
    expect(await Promise.all(servers.map(({ exit }) => exit))).toEqual([[0, null], [0, null]]);
    expect(await program(['stop'], { env })).toMatchObject({ code: 1, stderr: 'error: No server runs.\n' });
    expect(await program(['stop', '1'], { env })).toMatchObject({ code: 1, stderr: expect.stringContaining('No server with PID "1"') as string });
  });

  it('take no other process for a server, nor believe what is no record', async () => {
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const record = { url: 'http://127.0.0.1:1', models: ['x'], since: new Date().toISOString() };
    const write = (name: string, content: unknown): void =>
      writeFileSync(path.join(cacheDir, 'servers', name), typeof content === 'string' ? content : JSON.stringify(content));
    write(`${bystander.pid}.json`, { pid: bystander.pid, start: 'another time', ...record });
    write(`${dead}.json`, { pid: dead, start: '1', ...record });
    write('1.json', '{"pid":');
    write('2.json', { pid: 1, start: await processStart(1), ...record });
    write('3.json', { pid: 3, start: 5, ...record, models: [{}] });
    expect(await program(['stop', '--all', '--force'], { env })).toMatchObject({ code: 0, stdout: '' });
    expect(await ps()).toEqual([]);
    expect(bystander.exitCode).toBeNull();
    expect(await processStart(bystander.pid!)).toBeDefined();
    const gone = once(bystander, 'exit');
    bystander.kill();
    await gone;
    expect(await processStart(bystander.pid!)).toBeUndefined();
    expect(existsSync(path.join(cacheDir, 'servers', '1.json'))).toBe(false);
  });
});

describe('clawdbot serve for other machines', () => {
  it('wants a key, or to be told that it needs none, before it loads anything', async () => {
    const { code, stderr, calls } = await cli(['serve', 'm.gguf', '--host', '0.0.0.0']);
    expect({ code, loads: calls.loadOptions.length }).toEqual({ code: 2, loads: 0 });
    expect(stderr).toMatch(/--api-key KEY, or say with --no-api-key/);
  });
});

describe('uptime', () => {
  it('has the two largest units', () => {
    expect([999, 6000, 306_000, 14_700_000, 273_600_000].map(uptime)).toEqual(['0s', '6s', '5m 6s', '4h 5m', '3d 4h']);
  });
});
