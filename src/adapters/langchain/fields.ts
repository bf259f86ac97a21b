// Fields of the constructors by name: LangChain takes no notice of unknown ones, so that a misspelt one would count for nothing.
import type { AsyncCallerParams } from '@langchain/core/utils/async_caller';
import { InvalidArgumentError } from '@clawdbot/runtime';

/** LangChain's own for everything that calls. */
export const CALLER: Readonly<Record<keyof AsyncCallerParams, true>> = { maxConcurrency: true, maxRetries: true, onFailedAttempt: true };

/** Throws InvalidArgumentError for a field that is not among the known ones. */
export function checkFields(fields: object, known: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw new InvalidArgumentError(`There is no field "${unknown}" here. There are ${Object.keys(known).join(', ')}.`);
}
