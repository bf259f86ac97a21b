// Writes to standard output and reads standard input, whole and at the pace of whoever is at the other end.
import type { Output, Surroundings } from './command.ts';

/** Resolves once the text has been taken, so that a slow reader slows the writer. */
export function print(output: Output, text: string): Promise<void> {
  return new Promise((resolve) => {
    output.write(text, resolve);
  });
}

/** One JSON document on one line. Infinities and NaN, which JSON has not, become null. */
export function printJson(output: Output, value: unknown): Promise<void> {
  return print(output, `${JSON.stringify(value)}\n`);
}

export const LONGEST_INPUT_BYTES = 256 * 2 ** 20;

/** Everything on standard input, byte for byte; what is not UTF-8 becomes U+FFFD. */
export async function readInput({ stdin, signal }: Surroundings): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stop = (): void => {
    (stdin as NodeJS.ReadableStream & { destroy?: (error: Error) => void }).destroy?.(signal.reason as Error);
  };
  signal.addEventListener('abort', stop);
  try {
    for await (const chunk of stdin) {
      const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
      size += bytes.length;
      if (size > LONGEST_INPUT_BYTES) throw new RangeError('Standard input is longer than 256 MiB.');
      chunks.push(bytes);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(chunks));
}
