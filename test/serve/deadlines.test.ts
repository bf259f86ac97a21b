// The deadline of a request, with a garbage collector that runs while it waits: Node 20 collects the parts of a composed signal.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import type { ServeEngine } from '../../src/serve/model-pool.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const never = (signal: AbortSignal | undefined): Promise<never> => new Promise((_, reject) => {
  signal!.addEventListener('abort', () => reject(signal!.reason as Error), { once: true });
});
/** An engine that answers nothing until it is told to stop. */
const stuck = {
  model: { name: 'stuck' },
  tokenizeAsync: async () => [1],
  async* generate(_prompt: unknown, options: { signal?: AbortSignal }) {
    await never(options.signal);
  },
  embed: (_input: unknown, { signal }: { signal?: AbortSignal }) => never(signal),
} as unknown as ServeEngine;

const ASKED: Readonly<Record<string, object>> = {
  '/v1/completions': { model: 'stuck', prompt: ['a', 'b'] },
  '/v1/chat/completions': { model: 'stuck', messages: [{ role: 'user', content: 'a' }] },
  '/v1/embeddings': { model: 'stuck', input: ['a', 'b'] },
};

async function statusOf(handler: ReturnType<typeof createHandler>, path: string): Promise<number | string> {
  const answer = handler(new Request(`http://localhost${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(ASKED[path]),
  })).then(({ status }) => status);
  const collecting = setInterval(collectGarbage, 10);
  const late = new Promise<string>((resolve) => setTimeout(resolve, 2000, 'no answer'));
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearInterval(collecting);
  }
}

describe('a deadline', () => {
  it.each(Object.keys(ASKED))('ends a request to %s though memory is reclaimed meanwhile', async (path) => {
    const handler = createHandler(stuck, { timeoutMs: 200 });
    expect(await statusOf(handler, path)).toBe(504);
    expect(handler.numActive).toBe(0);
  });

  it('ends the wait for a load', async () => {
    const handler = createHandler(new ModelPool([{ id: 'stuck', load: () => new Promise<never>(() => undefined) }]), { timeoutMs: 200 });
    expect(await statusOf(handler, '/v1/completions')).toBe(504);
  });
});
