// The example for Deno Deploy in Deno itself, on the packed package, without workers (npm run test:runtimes brings Deno).
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, cpSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import { installPacked } from '../runtimes/installed.ts';
import type { Installed } from '../runtimes/installed.ts';
import { RUNTIMES } from '../runtimes/runtimes.ts';
import { inRepository } from '../support/fixtures.ts';

const MODEL = inRepository('test/data/arch/q-llama-q4_0.gguf');
const deno = RUNTIMES.find(({ name }) => name.startsWith('Deno'))?.command('', []).file;

describe.skipIf(!deno)('a Deno Deploy application', () => {
  let installed: Installed;
  let server: ChildProcess;
  let origin: string;
  let engine: Engine;

  beforeAll(async () => {
    installed = await installPacked();
    // The package comes from the folder above; a deployment fetches it, as deno.json says.
    cpSync(inRepository('examples'), path.join(installed.dir, 'examples'), { recursive: true, filter: (file) => !file.endsWith('deno.json') });
    const app = path.join(installed.dir, 'examples/deno-deploy');
    copyFileSync(MODEL, path.join(app, 'model.gguf'));
    const args = ['run', '--no-prompt', '--allow-net', '--allow-read', path.join(app, 'main.js')];
    const env = { ...process.env, DENO_SERVE_ADDRESS: 'tcp:127.0.0.1:0', NO_COLOR: '1' };
    server = spawn(deno!, args, { cwd: installed.dir, env });
    origin = await new Promise<string>((resolve, reject) => {
      let said = '';
      const listen = (text: Buffer): void => {
        said += String(text);
        const [, port] = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? [];
        if (port) resolve(`http://127.0.0.1:${port}`);
      };
      server.stdout!.on('data', listen);
      server.stderr!.on('data', listen);
      server.on('exit', () => reject(new Error(said)));
    });
    engine = await Engine.load(MODEL, { threads: 1, contextLength: 256 });
  });
  afterAll(async () => {
    server?.kill();
    await engine?.dispose();
    installed?.remove();
  });

  it('answers several requests at once as Node does', async () => {
    const prompts = ['Hello', 'The cat'];
    const texts = await Promise.all(prompts.map(async (prompt) =>
      (await fetch(`${origin}/?tokens=40&prompt=${encodeURIComponent(prompt)}`)).text()));
    expect(texts).toEqual(await Promise.all(prompts.map(async (prompt) =>
      (await engine.complete(prompt, { maxTokens: 40, temperature: 0 })).text)));
  });
});
