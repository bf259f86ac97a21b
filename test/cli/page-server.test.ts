// The server of `clawdbot web`: by which names it answers, and what is left of a download that breaks off.
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { servePageWithModels } from '../../src/cli/page-server.ts';
import type { PageServer } from '../../src/cli/page-server.ts';
import { inRepository } from '../support/fixtures.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-page-'));
const MODEL = path.join(folder, 'model.gguf');
writeFileSync(MODEL, new Uint8Array(32 * 2 ** 20));
afterAll(() => rmSync(folder, { recursive: true }));

let server: PageServer;
afterEach(() => server.close());
const start = async (more: { host?: string; allowedHosts?: readonly string[] } = {}): Promise<void> => {
  server = await servePageWithModels(inRepository('web'), [{ name: 'model', files: [MODEL] }], { host: '127.0.0.1', port: 0, ...more });
};
const ask = (name: string, headers: Record<string, string> = {}): Promise<IncomingMessage> => new Promise((resolve, reject) => {
  get({ host: '127.0.0.1', port: new URL(server.url).port, path: `/${name}`, headers }, resolve).on('error', reject);
});
const statusFor = async (host: string): Promise<number> => {
  const response = await ask('models.json', { host });
  response.resume();
  return response.statusCode!;
};

describe('hosts', () => {
  it('are the names of this machine, or those that it is told', async () => {
    await start();
    expect(await Promise.all(['localhost:8090', '127.0.0.1', 'evil.example'].map(statusFor))).toEqual([200, 200, 421]);
    await server.close();
    await start({ allowedHosts: ['chat.example'] });
    expect(await Promise.all(['chat.example', 'evil.example'].map(statusFor))).toEqual([200, 421]);
  });

  it('are any on another address', async () => {
    await start({ host: '0.0.0.0' });
    expect(await statusFor('chat.example')).toBe(200);
  });
});

it('answers no path that is no text', async () => {
  await start();
  expect((await ask('%ff')).resume().statusCode).toBe(400);
});

describe.runIf(process.platform === 'linux')('a download that breaks off', () => {
  const numOpen = (): number => readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === MODEL;
    } catch {
      // The descriptor of the listing itself is gone by now.
      return false;
    }
  }).length;

  it('leaves no file open', async () => {
    await start();
    const responses = await Promise.all(Array.from({ length: 4 }, () => ask('models/model.gguf')));
    await expect.poll(numOpen).toBe(4);
    for (const response of responses) response.destroy();
    await expect.poll(numOpen).toBe(0);
  });
});
