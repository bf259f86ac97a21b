// Server-sent events from an async generator: read as fast as the client takes them, ended when it goes away.
import { ApiError, toApiError } from './api-error.ts';

const encoder = new TextEncoder();
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no',
};

export interface EventStream {
  /** `data: [DONE]` at the end, as the completions endpoints have it. Without, events have types and numbers, and so has an error. */
  readonly done: boolean;
  /** Milliseconds until a client that takes nothing more is given up. */
  readonly stallMs: number;
  /** Called once, however the stream ends; with what went wrong, if anything. */
  readonly onEnd: (error?: unknown) => void;
  /** The client has gone. */
  readonly onCancel: () => void;
}

/**
 * Answers with the events' JSON, each named by its `type` where it has one. The first is awaited, so that a request which
 * fails at once is answered with a status.
 */
export async function eventStream(events: AsyncGenerator<object, void, void>, stream: EventStream): Promise<Response> {
  let first: IteratorResult<object, void>;
  try {
    first = await events.next();
  } catch (error) {
    stream.onEnd(error);
    throw error;
  }
  let pending: IteratorResult<object, void> | undefined = first;
  let numSent = 0;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  const giveUp = (controller: ReadableStreamDefaultController): void => {
    const error = new ApiError(408, 'The client takes nothing more.', { type: 'timeout_error', code: 'client_stalled' });
    controller.error(error);
    stream.onCancel();
    void events.return().catch(() => undefined);
    stream.onEnd(error);
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(stalled);
      try {
        const { done, value } = pending ?? (await events.next());
        pending = undefined;
        if (!done) {
          stalled = setTimeout(giveUp, stream.stallMs, controller);
          numSent++;
          return controller.enqueue(encoder.encode(frame(value)));
        }
        if (stream.done) controller.enqueue(encoder.encode('data: [DONE]\n\n'));
        stream.onEnd();
      } catch (error) {
        const failure = toApiError(error).body();
        controller.enqueue(encoder.encode(frame(stream.done ? failure : { type: 'error', sequence_number: numSent, ...failure })));
        stream.onEnd(error);
      }
      controller.close();
    },
    async cancel() {
      clearTimeout(stalled);
      stream.onCancel();
      await events.return().catch(() => undefined);
      stream.onEnd();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: HEADERS });
}

function frame(value: object): string {
  const { type } = value as { type?: unknown };
  return `${typeof type === 'string' ? `event: ${type}\n` : ''}data: ${JSON.stringify(value)}\n\n`;
}
