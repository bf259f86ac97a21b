// Writes a file of the origin's private file system within a worker, by the access that every browser gives workers.

export interface StoreMessage {
  readonly type: 'store';
  readonly id: number;
  /** From the file system's root. */
  readonly path: readonly string[];
  readonly bytes: Uint8Array;
}

export interface StoredMessage {
  readonly type: 'stored';
  readonly id: number;
  readonly error?: { readonly name: string; readonly message: string };
}

/** The part of FileSystemFileHandle that only workers have. */
interface SyncFileHandle {
  createSyncAccessHandle(): Promise<{
    truncate(bytes: number): void;
    write(bytes: Uint8Array, options: { at: number }): number;
    flush(): void;
    close(): void;
  }>;
}

/** The file at `path`, made with its folders where it is not there. */
export async function fileAt(path: readonly string[]): Promise<FileSystemFileHandle> {
  let folder = await navigator.storage.getDirectory();
  for (const name of path.slice(0, -1)) folder = await folder.getDirectoryHandle(name, { create: true });
  return folder.getFileHandle(path.at(-1)!, { create: true });
}

export async function storeInWorker(path: readonly string[], bytes: Uint8Array): Promise<void> {
  const access = await (await fileAt(path) as unknown as SyncFileHandle).createSyncAccessHandle();
  try {
    access.truncate(0);
    for (let at = 0; at < bytes.length;) {
      const written = access.write(bytes.subarray(at), { at });
      if (written === 0) throw new DOMException('The storage took no more bytes.', 'QuotaExceededError');
      at += written;
    }
    access.flush();
  } finally {
    access.close();
  }
}

export async function answerStore({ id, path, bytes }: StoreMessage): Promise<StoredMessage> {
  try {
    await storeInWorker(path, bytes);
    return { type: 'stored', id };
  } catch (error) {
    const { name, message } = error as Error;
    return { type: 'stored', id, error: { name, message } };
  }
}
