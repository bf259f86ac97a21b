// The local source: a file, a folder that holds one model, or any part of a split model.
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, ModelSourceError } from '../errors.ts';
import { failureCode } from './failures.ts';
import { sizeOf } from './files.ts';
import { expandHome } from './settings.ts';
import type { Environment } from './settings.ts';
import { NOT_A_MODEL, allParts } from './split-names.ts';

/** The path that a file: URL means on this system. */
export function pathOfFileUrl(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw new InvalidArgumentError(`"${text}" is not the URL of a local file. Give its path.`, { cause });
  }
}

/** Absolute paths of the model's parts in order. Throws ModelSourceError where there is none, or a part is missing. */
export async function findLocal(given: string, env: Environment): Promise<string[]> {
  const full = path.resolve(expandHome(given, env));
  const stats = await stat(full).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(failureCode(error) ?? '')) return undefined;
    const message = `Cannot read "${full}" (${failureCode(error) ?? (error as Error).message}). Check its permissions.`;
    throw new ModelSourceError(message, { cause: error });
  });
  if (!stats) throw new ModelSourceError(`There is no file "${full}". Check the path.`);
  if (!stats.isDirectory() && !stats.isFile()) throw new ModelSourceError(`"${full}" is neither a file nor a folder. Give the path of a model.`);
  return partsOf(stats.isDirectory() ? await theModelIn(full) : full);
}

async function partsOf(file: string): Promise<string[]> {
  const parts = allParts(path.basename(file)).map((name) => path.join(path.dirname(file), name));
  const sizes = await Promise.all(parts.map(sizeOf));
  const missing = parts.filter((_, i) => sizes[i] === undefined).map((part) => path.basename(part));
  if (missing.length > 0) {
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
    throw new ModelSourceError(
      `The model has ${parts.length} parts and ${missing.slice(0, 3).join(', ')}${more} cannot be found in ` +
        `"${path.dirname(file)}". Put all parts into one folder.`,
    );
  }
  return parts;
}

async function theModelIn(dir: string): Promise<string> {
  const names = (await readdir(dir)).filter((name) => /\.gguf$/i.test(name)).sort();
  const models = names.filter((name) => !NOT_A_MODEL.test(name));
  const firsts = [...new Set(models.map((name) => allParts(name)[0]))];
  if (firsts.length === 1) return path.join(dir, firsts[0]);
  throw new ModelSourceError(firsts.length === 0
    ? `The folder "${dir}" has no .gguf file. Give the path of a model.`
    : `The folder "${dir}" has several models: ${firsts.slice(0, 8).join(', ')}. Give the path of one of them.`);
}
