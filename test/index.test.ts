// What the package exports that no other test calls by its public name.
import { expect, it } from 'vitest';
import { Engine } from '../src/index.ts';
import { inRepository } from './support/fixtures.ts';

it('instanceof tells engines from everything else', async () => {
  const engine = await Engine.load(inRepository('test/data/arch/llama-tied.gguf'), { threads: 1 });
  expect(engine instanceof Engine).toBe(true);
  await engine.dispose();
  for (const other of [{}, null, 5, Engine]) expect((other as unknown) instanceof Engine).toBe(false);
});
