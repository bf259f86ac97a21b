// What `clawdbot web` serves: the page's files, the models it was given and nothing else, whole and by range.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servePageWithModels } from '../../src/cli/page-server.ts';
import type { PageServer } from '../../src/cli/page-server.ts';

const dir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-page-'));
const modelIn = (folder: string, name: string): string => {
  const file = path.join(dir, folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `GGUF of ${folder}/${name}`);
  return file;
};

describe('the server of the chat page', () => {
  let server: PageServer;
  beforeAll(async () => {
    writeFileSync(path.join(dir, 'index.html'), '<!doctype html>');
    server = await servePageWithModels(dir, [
      { name: 'one', files: [modelIn('a', 'model.gguf')] },
      { name: 'another', files: [modelIn('b', 'model.gguf')] },
      { name: 'split', files: ['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'].map((name) => modelIn('c', name)) },
      { name: 'odd', files: [modelIn('d', '100% mine.gguf')] },
    ], { host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const text = async (name: string, headers: Record<string, string> = {}): Promise<string> => (await fetch(new URL(name, server.url), { headers })).text();

  it('offers each model under an address of its own, also where files have the same name', async () => {
    const { models } = JSON.parse(await text('models.json')) as { models: { reference: string; name: string; sizeBytes: number }[] };
    expect(models.map(({ name }) => name)).toEqual(['one', 'another', 'split', 'odd']);
    expect(await Promise.all(models.map(({ reference }) => text(reference)))).toEqual([
      'GGUF of a/model.gguf', 'GGUF of b/model.gguf', 'GGUF of c/m-00001-of-00002.gguf', 'GGUF of d/100% mine.gguf',
    ]);
    expect(await text(models[2]!.reference.replace('00001-of', '00002-of'))).toBe('GGUF of c/m-00002-of-00002.gguf');
    expect(models[2]!.sizeBytes).toBe(2 * 'GGUF of c/m-00001-of-00002.gguf'.length);
  });

  it('gives ranges, and says where there are none', async () => {
    expect(await text('models/model.gguf', { range: 'bytes=5-6' })).toBe('of');
    expect(await text('models/model.gguf', { range: 'bytes=8-' })).toBe('a/model.gguf');
    expect((await fetch(new URL('models/model.gguf', server.url), { headers: { range: 'bytes=100-' } })).status).toBe(416);
  });

  it('gives nothing else', async () => {
    for (const name of ['a/model.gguf', 'b/model.gguf', '..%2f..%2fetc%2fpasswd', 'models/', 'models/2', 'nothing.html']) {
      expect((await fetch(new URL(name, server.url))).status, name).toBe(404);
    }
    expect((await fetch(new URL('%zz', server.url))).status).toBe(400);
    expect((await fetch(server.url, { method: 'POST' })).status).toBe(405);
  });
});
