// A file on its way into the cache, in pieces of one size: each is written whole, so that a closed page loses one at most.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ModelSourceError } from '../../errors.ts';
import { checkBytes } from '../check-bytes.ts';
import type { Expected } from '../check-bytes.ts';
import type { PartialStore } from '../web/resumable-download.ts';
import { validatorsFrom } from '../web/validators.ts';
import type { Validators } from '../web/validators.ts';
import { pieceName } from './model-cache.ts';
import type { ModelCache, StoredFile } from './model-cache.ts';
import { checkQuota, storageFull } from './quota.ts';
import type { BrowserSettings } from './settings.ts';

const READ_BYTES = 2 ** 20;

export class PieceStore implements PartialStore<StoredFile> {
  readonly #cache: ModelCache;
  readonly #key: string;
  readonly #fileIndex: number;
  readonly #name: string;
  readonly #settings: BrowserSettings;
  readonly #note: string;
  readonly #piece: Uint8Array<ArrayBuffer>;
  #hash = sha256.create();
  #numPieces = 0;
  /** Of the piece being filled. */
  #filled = 0;
  /** The piece being filled included. */
  #bytes = 0;

  constructor(cache: ModelCache, key: string, fileIndex: number, name: string, settings: BrowserSettings) {
    this.#cache = cache;
    this.#key = key;
    this.#fileIndex = fileIndex;
    this.#name = name;
    this.#settings = settings;
    this.#note = `${fileIndex}-partial.json`;
    this.#piece = new Uint8Array(settings.segmentBytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  async kept(): Promise<{ note: Validators | undefined; bytes: number }> {
    const note = validatorsFrom(await this.#cache.json(this.#key, this.#note));
    const pieces = await this.#cache.pieces(this.#key, this.#fileIndex);
    return { note, bytes: pieces.reduce((sum, { size }) => sum + size, 0) };
  }

  async resume(signal: AbortSignal | undefined, onBytes: (bytes: number) => void): Promise<void> {
    const pieces = await this.#cache.pieces(this.#key, this.#fileIndex);
    for (const piece of pieces) {
      for (let at = 0; at < piece.size; at += READ_BYTES) {
        signal?.throwIfAborted();
        const bytes = new Uint8Array(await piece.slice(at, at + READ_BYTES).arrayBuffer());
        this.#hash.update(bytes);
        this.#bytes += bytes.length;
        onBytes(this.#bytes);
      }
    }
    this.#numPieces = pieces.length;
  }

  async restart(): Promise<void> {
    await this.#cache.removePieces(this.#key, this.#fileIndex);
    this.#hash = sha256.create();
    this.#numPieces = this.#filled = this.#bytes = 0;
  }

  checkRoom(bytes: number): Promise<void> {
    return checkQuota(this.#name, bytes);
  }

  note(validators: Validators): Promise<void> {
    return this.#store(this.#note, new TextEncoder().encode(JSON.stringify(validators)));
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    for (let done = 0; done < chunk.length;) {
      const part = chunk.subarray(done, done + this.#piece.length - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      this.#bytes += part.length;
      done += part.length;
      if (this.#filled === this.#piece.length) await this.leave();
    }
  }

  async land(expected: Expected): Promise<StoredFile> {
    await this.leave();
    const hash = bytesToHex(this.#hash.digest());
    await this.#cache.remove(this.#key, this.#note);
    const stored = (await this.#cache.pieces(this.#key, this.#fileIndex)).slice(0, this.#numPieces);
    try {
      checkBytes(this.#name, { sha256: hash, sizeBytes: this.#bytes }, expected);
      if (stored.reduce((sum, { size }) => sum + size, 0) !== this.#bytes) {
        throw new ModelSourceError(`The browser's storage lost a part of "${this.#name}" while it was written. Load it again, or with cache: false.`);
      }
    } catch (error) {
      await this.restart();
      throw error;
    }
    const pieces = stored.map(({ size, lastModified }) => ({ bytes: size, modifiedMs: lastModified }));
    return { name: this.#name, bytes: this.#bytes, sha256: hash, pieces };
  }

  /** Writes the piece being filled, so that nothing of it is lost. */
  async leave(): Promise<void> {
    if (this.#filled === 0) return;
    await this.#store(pieceName(this.#fileIndex, this.#numPieces), this.#piece.slice(0, this.#filled));
    this.#numPieces++;
    this.#filled = 0;
  }

  async #store(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#settings.writeFile(this.#cache.path(this.#key, name), bytes);
    } catch (cause) {
      if ((cause as Error).name !== 'QuotaExceededError') throw cause;
      throw storageFull(this.#name, undefined, undefined, cause);
    }
  }
}
