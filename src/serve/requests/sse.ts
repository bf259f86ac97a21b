// Server-sent events from an async generator: read as fast as the client takes them, ended when it goes away.
import { ApiError, toApiError } from '../api-error.ts';

const encoder = new TextEncoder();
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no',
};

/** A comment, which clients skip: it shows them, and what lies between, that the connection lives. */
const WAITING = encoder.encode(': waiting\n\n');

export interface EventStream {
  /** `data: [DONE]` at the end, as the completions endpoints have it. Without, events have types and numbers, and so has an error. */
  readonly done: boolean;
  /** Milliseconds until a client that takes nothing more is given up. */
  readonly stallMs: number;
  /** Milliseconds without an event after which the stream begins all the same, and says that it waits. */
  readonly quietMs: number;
  /** Called once, however the stream ends; with what went wrong, if anything, or that the client has gone. */
  readonly onEnd: (error?: unknown, isGone?: boolean) => void;
  /** The client has gone. */
  readonly onCancel: () => void;
}

/**
 * Answers with the events' JSON, each named by its `type` where it has one. The first is awaited for a while, so that a request which
 * fails soon is answered with a status.
 */
export async function eventStream(events: AsyncGenerator<object, void, void>, stream: EventStream): Promise<Response> {
  let pending: Promise<IteratorResult<object, void>> | undefined = events.next();
  let isOpenedEmpty: boolean;
  try {
    isOpenedEmpty = await within(pending, stream.quietMs) === undefined;
  } catch (error) {
    stream.onEnd(error);
    throw error;
  }
  let numSent = 0;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let isGone = false;
  const giveUp = (controller: ReadableStreamDefaultController): void => {
    const error = new ApiError(408, 'The client takes nothing more.', { type: 'timeout_error', code: 'client_stalled' });
    controller.error(error);
    stream.onCancel();
    void events.return().catch(() => undefined);
    stream.onEnd(error);
  };
  const body = new ReadableStream<Uint8Array>({
    // A body that nobody begins to read is one that nobody takes.
    start(controller) {
      stalled = setTimeout(giveUp, stream.stallMs, controller);
    },
    async pull(controller) {
      clearTimeout(stalled);
      const send = (bytes: Uint8Array): void => {
        stalled = setTimeout(giveUp, stream.stallMs, controller);
        controller.enqueue(bytes);
      };
      try {
        pending ??= events.next();
        const next = isOpenedEmpty ? undefined : await within(pending, stream.quietMs);
        isOpenedEmpty = false;
        if (isGone) return;
        if (!next) return send(WAITING);
        pending = undefined;
        if (!next.done) {
          numSent++;
          return send(encoder.encode(frame(next.value)));
        }
        if (stream.done) controller.enqueue(encoder.encode('data: [DONE]\n\n'));
        stream.onEnd();
      } catch (error) {
        if (isGone) return;
        const failure = toApiError(error).body();
        controller.enqueue(encoder.encode(frame(stream.done ? failure : { type: 'error', sequence_number: numSent, ...failure })));
        stream.onEnd(error);
      }
      controller.close();
    },
    async cancel() {
      isGone = true;
      clearTimeout(stalled);
      stream.onCancel();
      await events.return().catch(() => undefined);
      stream.onEnd(undefined, true);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: HEADERS });
}

/** What `work` comes to, or undefined where that takes longer. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, ms, undefined)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function frame(value: object): string {
  const { type } = value as { type?: unknown };
  return `${typeof type === 'string' ? `event: ${type}\n` : ''}data: ${JSON.stringify(value)}\n\n`;
}
