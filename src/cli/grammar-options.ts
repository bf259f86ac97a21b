// The flags that give an answer its grammar, and what the engine takes for them.
import type { GenerateOptions } from '../engine/types.ts';
import { readText } from './files.ts';
import { text } from './options.ts';
import type { Values } from './options.ts';
import { UsageError } from './parse-arguments.ts';

export const GRAMMAR = {
  grammar: text({ value: 'FILE', help: 'The answer matches this GBNF grammar' }),
  jsonSchema: text({ value: 'FILE|JSON', help: 'The answer is JSON that satisfies this schema' }),
};

const LARGEST_BYTES = 2 ** 22;

export async function grammarFrom(
  { grammar, jsonSchema }: Values<typeof GRAMMAR>, signal?: AbortSignal,
): Promise<Pick<GenerateOptions, 'grammar' | 'jsonSchema'>> {
  if (grammar !== undefined && jsonSchema !== undefined) throw new UsageError('--grammar and --json-schema contradict each other.');
  if (grammar !== undefined) return { grammar: await readText(grammar, LARGEST_BYTES, signal) };
  if (jsonSchema === undefined) return {};
  const isWritten = /^\s*[{]|^\s*(true|false)\s*$/.test(jsonSchema);
  const written = isWritten ? jsonSchema : await readText(jsonSchema, LARGEST_BYTES, signal);
  try {
    return { jsonSchema: JSON.parse(written) as object };
  } catch (cause) {
    throw new UsageError(`--json-schema ${isWritten ? '' : `${jsonSchema} `}is no JSON: ${(cause as Error).message}`);
  }
}
