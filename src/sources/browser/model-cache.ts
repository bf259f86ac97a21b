// Models in the origin's private file system: a folder for each with its files in pieces and an entry.json, which is written last.
// Browsers may evict all of it at any time; what is not whole is fetched again.
import { ModelSourceError } from '../../errors.ts';
import type { BrowserSettings } from './settings.ts';

export interface StoredPiece {
  readonly bytes: number;
  readonly modifiedMs: number;
}

export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly pieces: readonly StoredPiece[];
}

export interface CacheEntry {
  readonly name: string;
  readonly reference: string;
  readonly source: string;
  readonly licence?: string;
  readonly files: readonly StoredFile[];
}

export interface BrowserCachedModel extends Pick<CacheEntry, 'name' | 'reference' | 'source' | 'licence'> {
  readonly bytes: number;
  readonly lastUsed: Date;
}

const ENTRY = 'entry.json';
const USED = 'used';
const LARGEST_ENTRY_BYTES = 4 * 2 ** 20;

export const pieceName = (fileIndex: number, index: number): string => `${fileIndex}-${String(index).padStart(6, '0')}`;

const isPieceOf = (name: string, fileIndex: number): boolean => name.startsWith(`${fileIndex}-`) && /^\d+-\d+$/.test(name);

export class ModelCache {
  readonly #path: readonly string[];
  readonly #folder: FileSystemDirectoryHandle;

  private constructor(path: readonly string[], folder: FileSystemDirectoryHandle) {
    this.#path = path;
    this.#folder = folder;
  }

  /** Rejects with the browser's own error where it keeps nothing: private windows, insecure pages, storage that is refused. */
  static async open(cacheDir: string): Promise<ModelCache> {
    const { storage } = navigator;
    if (!storage?.getDirectory) {
      throw new Error(globalThis.isSecureContext ? 'it has no private file system' : 'the page is neither https: nor from localhost');
    }
    const path = [...cacheDir.split('/').filter((name) => name !== '' && name !== '.' && name !== '..'), 'models'];
    let folder = await storage.getDirectory();
    for (const name of path) folder = await folder.getDirectoryHandle(name, { create: true });
    return new ModelCache(path, folder);
  }

  /** The path of a model's file, for writing. */
  path(key: string, name: string): string[] {
    return [...this.#path, key, name];
  }

  /** The entry with the files of its pieces, where all is as it was stored. */
  async whole(key: string): Promise<{ readonly entry: CacheEntry; readonly files: readonly File[][] } | undefined> {
    const entry = await this.#entry(key);
    if (!entry) return undefined;
    const files: File[][] = [];
    for (const [i, { pieces }] of entry.files.entries()) {
      const stored = await this.pieces(key, i);
      const isAsStored = pieces.length <= stored.length &&
        pieces.every(({ bytes, modifiedMs }, at) => stored[at]!.size === bytes && stored[at]!.lastModified === modifiedMs);
      if (!isAsStored) return undefined;
      files.push(stored.slice(0, pieces.length));
    }
    return { entry, files };
  }

  /** A file's pieces in order, up to the first that is not there. */
  async pieces(key: string, fileIndex: number): Promise<File[]> {
    const found: File[] = [];
    for (;;) {
      const piece = await this.file(key, pieceName(fileIndex, found.length));
      if (!piece) return found;
      found.push(piece);
    }
  }

  async file(key: string, name: string): Promise<File | undefined> {
    try {
      const folder = await this.#folder.getDirectoryHandle(key);
      return await (await folder.getFileHandle(name)).getFile();
    } catch (error) {
      if ((error as Error).name === 'NotFoundError' || (error as Error).name === 'TypeMismatchError') return undefined;
      throw error;
    }
  }

  async json(key: string, name: string): Promise<unknown> {
    const file = await this.file(key, name);
    if (!file || file.size > LARGEST_ENTRY_BYTES) return undefined;
    try {
      return JSON.parse(await file.text()) as unknown;
    } catch (error) {
      // A cut-off file means the same as none.
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Marks the model as whole. */
  async keep(key: string, entry: CacheEntry, settings: BrowserSettings): Promise<void> {
    await settings.writeFile(this.path(key, ENTRY), new TextEncoder().encode(JSON.stringify(entry)));
  }

  async touch(key: string, settings: BrowserSettings): Promise<void> {
    await settings.writeFile(this.path(key, USED), new Uint8Array(1));
  }

  async remove(key: string, name?: string): Promise<void> {
    try {
      const folder = name === undefined ? this.#folder : await this.#folder.getDirectoryHandle(key);
      await folder.removeEntry(name ?? key, { recursive: true });
    } catch (error) {
      if ((error as Error).name !== 'NotFoundError') throw error;
    }
  }

  /** All of a file's pieces, those behind a gap too. */
  async removePieces(key: string, fileIndex: number): Promise<void> {
    let folder: FileSystemDirectoryHandle;
    try {
      folder = await this.#folder.getDirectoryHandle(key);
    } catch (error) {
      if ((error as Error).name === 'NotFoundError') return;
      throw error;
    }
    const names: string[] = [];
    for await (const name of folder.keys()) if (isPieceOf(name, fileIndex)) names.push(name);
    for (const name of names) await folder.removeEntry(name);
  }

  /** Whole models, by name. */
  async list(): Promise<(BrowserCachedModel & { readonly key: string })[]> {
    const models: (BrowserCachedModel & { readonly key: string })[] = [];
    for await (const key of this.#folder.keys()) {
      const whole = await this.whole(key);
      if (!whole) continue;
      const { name, reference, source, licence, files } = whole.entry;
      const used = (await this.file(key, USED)) ?? (await this.file(key, ENTRY));
      models.push({
        key, name, reference, source, ...(licence !== undefined && { licence }),
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), lastUsed: new Date(used?.lastModified ?? 0),
      });
    }
    return models.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** By name or by the reference it was fetched with. Throws ModelSourceError where there is none. */
  async removeModel(name: string): Promise<BrowserCachedModel> {
    const models = await this.list();
    const found = models.find(({ reference }) => reference === name) ?? models.find((model) => model.name === name);
    if (!found) {
      const known = models.map((model) => model.name).join(', ') || 'nothing';
      throw new ModelSourceError(`This browser keeps no model "${name}"; it has ${known}.`);
    }
    await this.remove(found.key);
    return found;
  }

  async #entry(key: string): Promise<CacheEntry | undefined> {
    const entry = await this.json(key, ENTRY);
    return isEntry(entry) ? entry : undefined;
  }
}

/** Whether it has an entry's form, with pieces that are whole files: scripts of the same origin may have written anything. */
function isEntry(value: unknown): value is CacheEntry {
  const { name, reference, source, licence, files } = (value ?? {}) as Partial<Record<keyof CacheEntry, unknown>>;
  const texts = [name, reference, source, licence ?? ''];
  return texts.every((text) => typeof text === 'string') && Array.isArray(files) && files.length > 0 && files.every(isStoredFile);
}

function isStoredFile(value: unknown): value is StoredFile {
  const { name, bytes, pieces } = (value ?? {}) as Partial<Record<keyof StoredFile, unknown>>;
  if (typeof name !== 'string' || !Array.isArray(pieces)) return false;
  const sizes = pieces.map((piece: Partial<StoredPiece> | null) => piece?.bytes);
  return sizes.every((size) => Number.isSafeInteger(size)) && sizes.reduce<number>((sum, size) => sum + size!, 0) === bytes;
}
