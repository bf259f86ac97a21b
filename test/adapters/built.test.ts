// The adapters as they are published: bound to the package's own engine, which they find by the package's name.
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';

const urlOf = (name: string): string => JSON.stringify(pathToFileURL(inRepository('dist', `${name}.js`)).href);

it.each([
  ['ai-sdk', 'clawdbot', 'clawdbot(engine).modelId'],
  ['langchain', 'ChatClawdbot', 'new ChatClawdbot({ model: engine }).model'],
])('%s takes engines of the package', (file, name, expression) => {
  const code = `
    import { Engine } from ${urlOf('index')};
    import { ${name} } from ${urlOf(file)};
    const engine = await Engine.load(${JSON.stringify(inRepository('test/data/arch/q-llama-q4_0.gguf'))}, { threads: 1, contextLength: 64 });
    console.log(${expression} === engine.model.name && engine.model.name !== 'bytes');`;
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })).toBe('true\n');
});
