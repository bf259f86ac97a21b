// The commands and snippets of docs/server.md and of the README's server part, as they are written there, against a tiny model that
// goes by the name of theirs.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseFile } from '../support/architecture-cases.ts';
import { inRepository } from '../support/fixtures.ts';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const run = promisify(execFile);
const DOCUMENT = readFileSync(inRepository('docs/server.md'), 'utf8');
const README = /\n## Server\n[^]*?(?=\n## )/.exec(readFileSync(inRepository('README.md'), 'utf8'))![0];
const blocks = (text: string, language: string): string[] => [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, code]) => code!);
const commands = [...blocks(DOCUMENT, 'sh'), ...blocks(README, 'sh')].flatMap((block) => block.trim().split(/\n\n/));
const snippet = (imported: string): string => blocks(DOCUMENT, 'js').find((code) => code.includes(`from '${imported}'`))!;

/** Inside the repository, so that packages and the runtime itself are found. */
mkdirSync(inRepository('build'), { recursive: true });
const folder = mkdtempSync(path.join(inRepository('build'), 'documents-'));
let server: TestServer;
beforeAll(async () => {
  const template = '{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}';
  server = await tinyServer({}, { contextLength: 1024 }, [{ id: 'smollm2', template }]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.close(200);
});
const here = (code: string): string => code.replaceAll('http://127.0.0.1:8080', server.url);
async function output(code: string): Promise<string> {
  const file = path.join(folder, 'snippet.mjs');
  writeFileSync(file, here(code));
  return (await run(process.execPath, [file], { timeout: 60_000, env: { ...process.env, CLAWDBOT_API_KEY: 'key' } })).stdout;
}

describe('the commands', () => {
  it('are some', () => {
    expect(commands.filter((command) => command.startsWith('curl ')).length).toBeGreaterThan(5);
  });

  it.each(commands)('%s', async (command) => {
    const { stdout } = await run('bash', ['-c', here(command).replace('curl ', 'curl -sS --fail-with-body ')], { timeout: 60_000 });
    if (command.includes('"stream": true')) return expect(stdout).toMatch(/^data: \{[^]*data: \[DONE\]\n\n$/);
    const answer = JSON.parse(stdout) as { data?: unknown[]; choices?: { message: { content: string } }[] };
    expect(answer.data ?? answer.choices).not.toHaveLength(0);
    if (command.includes('json_schema')) expect(['Rome', 'Oslo']).toContain((JSON.parse(answer.choices![0]!.message.content) as { city: string }).city);
  });
});

describe('the snippets', () => {
  it('of openai', async () => {
    expect(await output(snippet('openai'))).toMatch(/weather \{[^]*\}\n\{[^]*\}\n$/);
  });

  it('of the AI SDK', async () => {
    expect(await output(snippet('ai'))).toMatch(/weather \{[^]*city: /);
  });

  it('of LangChain', async () => {
    expect(await output(snippet('@langchain/openai'))).toMatch(/weather \{[^]*city: /);
  });

  it('of a server of one’s own', async () => {
    const model = JSON.stringify(caseFile('llama-tied.gguf'));
    const before = `import { Hono } from 'hono';\nconst app = new Hono();\nconst mounted = [(request) => app.fetch(request)];
globalThis.Deno = { serve: (handler) => mounted.push((request) => handler(request, { remoteAddr: {}, completed: Promise.resolve() })) };
globalThis.Bun = { serve: ({ fetch }) => mounted.push((request) => fetch(request, { requestIP() {} })) };\n`;
    const after = `mounted.push((request) => exported.fetch(request, { client: 'x' }, { waitUntil() {} }));
for (const answer of mounted) {
  const ask = (authorization) => answer(new Request('http://localhost/tokenize', {
    method: 'POST', headers: { 'content-type': 'application/json', authorization }, body: '{"content":"x"}',
  }));
  console.log((await ask('')).status, (await ask('Bearer key')).status);
}
await pool.dispose();\n`;
    const [imports, ...code] = snippet('@clawdbot/runtime/serve').split('\n\n');
    const own = code.join('\n\n').replace(`Engine.load('smollm2')`, `Engine.load(${model}, { threads: 1 })`).replace('export default', 'const exported =');
    expect(await output(`${imports}\n${before}${own}${after}`)).toBe('401 200\n'.repeat(4));
  });
});
