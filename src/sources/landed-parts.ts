// Remembers which parts of a split model have landed already, so that an interrupted run need not fetch them again.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { isUnchanged, readStoredFiles, writeJson } from './cache.ts';
import type { StoredFile } from './cache.ts';

export class LandedParts {
  readonly #file: string;

  constructor(dir: string) {
    this.#file = path.join(dir, 'parts.json');
  }

  /** The part as it was noted, where it is still what it was. */
  async find(target: string): Promise<StoredFile | undefined> {
    const noted = (await this.#all()).find((part) => part.path === target);
    return noted && (await isUnchanged(noted)) ? noted : undefined;
  }

  async note(part: StoredFile): Promise<void> {
    const others = (await this.#all()).filter(({ path: noted }) => noted !== part.path);
    await writeJson(this.#file, { files: [...others, part] });
  }

  async #all(): Promise<readonly StoredFile[]> {
    return (await readStoredFiles(this.#file)) ?? [];
  }

  forget(): Promise<void> {
    return rm(this.#file, { force: true });
  }
}
