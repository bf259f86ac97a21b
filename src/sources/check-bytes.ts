// Holds bytes to the size and hash that were promised for them.
import { IntegrityError } from '../errors.ts';

export interface Expected {
  readonly sha256?: string;
  readonly sizeBytes?: number;
}

/** Throws IntegrityError where size or hash are not what was promised. */
export function checkBytes(name: string, actual: { sha256: string; sizeBytes: number }, expected: Expected): void {
  if (expected.sizeBytes !== undefined && actual.sizeBytes !== expected.sizeBytes) {
    throw new IntegrityError(
      `"${name}" has ${actual.sizeBytes} bytes where ${expected.sizeBytes} were promised, so it is not used. ` +
        'Try again; if it stays so, the source serves another file than it should.',
    );
  }
  if (expected.sha256 !== undefined && actual.sha256 !== expected.sha256) {
    throw new IntegrityError(
      `"${name}" has the sha256 ${actual.sha256} where ${expected.sha256} was promised, so it is not used. ` +
        'Try again; if it stays so, the source serves another file than it should.',
    );
  }
}
