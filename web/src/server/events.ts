// The events of a text/event-stream response, as their data.
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { ChatError } from '../chat/backend.ts';

export const brokenOff = (cause?: unknown): ChatError =>
  new ChatError('incomplete', 'The connection to the server ended before the answer did.', { cause });

/** Ends with the stream; throws ChatError where the connection breaks. Leaving the loop early cancels it. */
export async function* eventsOf(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        signal.throwIfAborted();
        throw brokenOff(cause);
      });
      signal.throwIfAborted();
      if (done) return;
      yield value.data;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
