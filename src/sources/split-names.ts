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

/** Every part's address, in order. */
export function siblings(url: URL): URL[] {
  const name = decodeURIComponent(url.pathname.replace(/\/+$/, '').split('/').at(-1)!);
  return allParts(name).map((part) => {
    const sibling = new URL(url);
    sibling.pathname = url.pathname.slice(0, url.pathname.lastIndexOf('/') + 1) + encodeURIComponent(part);
    return part === name ? url : sibling;
  });
}
