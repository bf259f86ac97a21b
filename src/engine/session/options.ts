// Checks what saveSession and loadSession are given.
import { InvalidArgumentError } from '../../errors.ts';
import { checkNames, checkSignal } from '../inputs.ts';
import { describe } from '../sampler/options.ts';
import type { LoadSessionOptions, SaveSessionOptions } from '../types.ts';
import { LARGEST_NOTE_BYTES } from './format.ts';

/** Throws InvalidArgumentError for options that do not exist or make no sense. */
export function checkSaveSessionOptions(options: SaveSessionOptions): void {
  checkNames(options, ['file', 'note', 'parseSpecial', 'tools', 'templateOptions', 'signal']);
  checkSignal(options.signal);
  const { file, note } = options;
  if (file !== undefined && (typeof file !== 'string' || file === '')) {
    throw new InvalidArgumentError(`file must be a path, not ${describe(file)}.`);
  }
  if (note !== undefined && typeof note !== 'string') throw new InvalidArgumentError(`note must be a string, not ${describe(note)}.`);
  if (note !== undefined && new TextEncoder().encode(note).length > LARGEST_NOTE_BYTES) {
    throw new InvalidArgumentError(`note must not be longer than ${LARGEST_NOTE_BYTES} bytes.`);
  }
}

export function checkLoadSessionOptions(options: LoadSessionOptions): void {
  checkNames(options, ['signal']);
  checkSignal(options.signal);
}
