// An answer's text, of which no more is read than a list of files has.
import { ModelSourceError } from '../../errors.ts';
import { shown } from './shown.ts';
import { brokenOff } from './transient-error.ts';

const LARGEST_BYTES = 32 * 2 ** 20;

/**
 * UTF-8. Rejects with ModelSourceError beyond 32 MiB, and with TransientError where the answer breaks off. `onChunk` hears whenever
 * something has come.
 */
export async function limitedText(response: Response, url: URL, onChunk?: () => void): Promise<string> {
  const decoder = new TextDecoder();
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  let text = '';
  let bytes = 0;
  for (;;) {
    const chunk = await reader?.read().catch((error: unknown) => {
      throw brokenOff(url, error);
    });
    if (!chunk?.value) return text + decoder.decode();
    onChunk?.();
    bytes += chunk.value.length;
    if (bytes > LARGEST_BYTES) {
      await reader!.cancel();
      throw new ModelSourceError(`${shown(url)} answers with more than ${LARGEST_BYTES} bytes, which no list of files has.`);
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
}
