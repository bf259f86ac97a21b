// Files of split models by name: all parts of a model, or why a name cannot be one part's.
import { ModelSourceError } from '../errors.ts';
import { splitName, splitPartNames } from '../gguf/split.ts';

/** Files that lie beside models and are none. */
export const NOT_A_MODEL = /(^|[-_.])(mmproj|imatrix)([-_.]|$)/i;

/** Every part's name, in order; a file that is no part of a split stands alone. */
export function allParts(fileName: string): string[] {
  const split = splitName(fileName);
  if (!split) return [fileName];
  const parts = splitPartNames(fileName);
  if (parts) return parts;
  throw new ModelSourceError(
    `"${fileName}" calls itself part ${split.index} of ${split.count}; rename it or get it again.`,
  );
}
