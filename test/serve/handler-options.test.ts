// What createHandler and ModelPool are given is checked before anything is answered: a misspelled option must not open a server.
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import type { HandlerOptions } from '../../src/serve/handler.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import type { ServeEngine, ServedModel } from '../../src/serve/model-pool.ts';
import { pooled } from './servers.ts';

const refused = (named: RegExp | string): unknown =>
  expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(named) as string });

describe('createHandler', () => {
  const { pool } = pooled(['a'], 1);

  it('takes no option that does not exist, and says which there are', () => {
    expect(() => createHandler(pool, { apiKey: 'secret' } as HandlerOptions)).toThrow(refused(/no handler option "apiKey"\. There are apiKeys, /));
  });

  it.each(Object.entries({
    apiKeys: ['x', [undefined], [''], [' a'], [7], null], allowedHosts: ['localhost', [1], ['']], allowAddresses: ['no'], corsOrigins: ['https://a', [null]],
    maxBodyBytes: [-1, 0, NaN, '8'], maxRequests: [-1, 1.5, '3'], contextPolicy: ['slip'], timeoutMs: ['x', -1, NaN], stallTimeoutMs: ['x', -1],
    quietMs: ['x', -1], defaults: ['greedy', [], null], contextHint: [1], trustProxy: [1, 'yes'], version: [2], onRequest: ['log'], extend: [{}],
  }))('takes no %s that makes no sense', (name, values) => {
    for (const value of values) expect(() => createHandler(pool, { [name]: value }), String(value)).toThrow(refused(`^${name} must be `));
  });

  it('does not tell a key that it refuses', () => {
    expect(() => createHandler(pool, { apiKeys: 'secret' as never })).not.toThrow(/secret/);
  });

  it('takes every option that is undefined, and durations without end', () => {
    const undefinedOnes: HandlerOptions = { apiKeys: undefined, maxRequests: undefined, defaults: undefined, extend: undefined };
    expect(createHandler(pool, { ...undefinedOnes, quietMs: Infinity, stallTimeoutMs: Infinity, timeoutMs: 0 }).numActive).toBe(0);
  });

  it('takes an engine or a pool, and options that are an object', () => {
    for (const engine of [undefined, null, {}, 'smollm2', { model: {} }]) {
      expect(() => createHandler(engine as unknown as ServeEngine)).toThrow(refused(/a loaded engine or a ModelPool, not /));
    }
    for (const options of [null, [], 'x']) expect(() => createHandler(pool, options as never)).toThrow(refused(/^The handler options must be an object, not /));
  });
});

describe('ModelPool', () => {
  const model: ServedModel = { id: 'a', load: () => new Promise<never>(() => undefined) };

  it('takes models that can be served, each by one id', () => {
    for (const models of [[], undefined, 'a', [undefined], [{ id: 'a' }], [{ ...model, id: '' }], [model, model]]) {
      expect(() => new ModelPool(models as ServedModel[])).toThrow(refused(/ModelPool/));
    }
  });

  it('takes one model in memory at least', () => {
    for (const maxLoaded of [0, 1.5, '2']) expect(() => new ModelPool([model], maxLoaded as number)).toThrow(refused(/^maxLoaded must be /));
  });
});
