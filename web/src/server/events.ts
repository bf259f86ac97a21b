// The events of a text/event-stream response, as their data.
import { EventSourceParserStream } from 'eventsource-parser/stream';

/** Ends with the stream; leaving the loop early cancels it. */
export async function* eventsOf(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value.data;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
