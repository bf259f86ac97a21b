// The example for AWS Lambda with events of a function URL, whole and streamed, as Lambda's own runtime for Node calls handlers.
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';

const MODEL = inRepository('test/data/arch/q-llama-q4_0.gguf');

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
const eventOf = (prompt: string): object => ({
  version: '2.0', routeKey: '$default', rawPath: '/', rawQueryString: `tokens=40&prompt=${encodeURIComponent(prompt)}`, headers: {},
  requestContext: { domainName: 'id.lambda-url.eu-central-1.on.aws', http: { method: 'GET', path: '/' } }, isBase64Encoded: false,
});

type Streaming = (event: object, stream: PassThrough, context: object) => Promise<void>;
interface Handlers {
  handler(event: object): Promise<{ statusCode: number; headers: Record<string, string>; body: string }>;
  readonly streaming: Streaming;
}

describe('an AWS Lambda function', () => {
  let handlers: Handlers;
  let engine: Engine;
  let head: unknown;

  beforeAll(async () => {
    process.env['MODEL'] = MODEL;
    (globalThis as Record<string, unknown>)['awslambda'] = {
      streamifyResponse: (handle: Streaming) => handle,
      HttpResponseStream: {
        from(stream: PassThrough, metadata: unknown) {
          head = metadata;
          return stream;
        },
      },
    };
    // By a name that the compiler does not follow.
    const example = inRepository('examples/aws-lambda/index.mjs');
    handlers = await import(example) as Handlers;
    engine = await Engine.load(MODEL, { contextLength: 256 });
  });
  afterAll(async () => {
    delete (globalThis as Record<string, unknown>)['awslambda'];
    await engine?.dispose();
  });

  const expected = async (prompt: string): Promise<string> => (await engine.complete(prompt, { maxTokens: 40, temperature: 0 })).text;

  it('tries again after a load that failed', async () => {
    process.env['MODEL'] = '/no/such/model.gguf';
    await expect(handlers.handler(eventOf('Hello'))).rejects.toThrow(/There is no file/);
    process.env['MODEL'] = MODEL;
    expect((await handlers.handler(eventOf('Hello'))).statusCode).toBe(200);
  });

  it('refuses what the engine refuses', async () => {
    const { statusCode, body } = await handlers.handler({ ...eventOf('Hello'), rawQueryString: 'prompt=Hello&tokens=0' });
    expect([statusCode, body]).toEqual([400, expect.stringContaining('maxTokens must be')]);
    expect((await handlers.handler(eventOf('word '.repeat(600)))).statusCode).toBe(400);
  });

  it('answers an event', async () => {
    const { statusCode, headers, body } = await handlers.handler(eventOf('Hello'));
    expect([statusCode, headers['content-type'], body]).toEqual([200, 'text/plain; charset=utf-8', await expected('Hello')]);
    expect((await handlers.handler(eventOf(''))).statusCode).toBe(400);
  });

  it('streams its answer in pieces', async () => {
    const stream = new PassThrough();
    const pieces: string[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece.toString()));
    await handlers.streaming(eventOf('Once upon a time'), stream, {});
    expect(pieces.join('')).toBe(await expected('Once upon a time'));
    expect(pieces.length).toBeGreaterThan(5);
    expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/plain; charset=utf-8' } });
  });
});
