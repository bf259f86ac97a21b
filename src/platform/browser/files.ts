// Writes files of the origin's private file system: as a stream where pages can, else through a worker, where every browser can.
import { fileAt, storeInWorker } from './store.ts';
import type { StoredMessage, StoreMessage } from './store.ts';
import { spawnWorker } from './worker.ts';

/** Resolves once the file at `path`, from the file system's root, holds `bytes` and nothing else; its folders are made. */
export type WriteFile = (path: readonly string[], bytes: Uint8Array) => Promise<void>;

/** Safari before 26 has no such streams, and lets workers alone write. */
const canStream = (): boolean => typeof FileSystemFileHandle !== 'undefined' && 'createWritable' in FileSystemFileHandle.prototype;
/** Only workers have it. */
const canStore = (): boolean => typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;

/** Has `use` write files; what had to be started for that is ended after it. */
export async function withFileWriter<T>(workerUrl: string | URL | undefined, use: (writeFile: WriteFile) => Promise<T>): Promise<T> {
  if (canStream()) return use(writeStream);
  if (canStore()) return use(storeInWorker);
  const writer = workerWriter(workerUrl);
  try {
    return await use(writer.writeFile);
  } finally {
    await writer.close();
  }
}

async function writeStream(path: readonly string[], bytes: Uint8Array): Promise<void> {
  const stream = await (await fileAt(path)).createWritable();
  try {
    await stream.write(bytes as Uint8Array<ArrayBuffer>);
    await stream.close();
  } catch (error) {
    await stream.abort().catch(() => undefined);
    throw error;
  }
}

function workerWriter(workerUrl: string | URL | undefined): { writeFile: WriteFile; close(): Promise<void> } {
  let worker: ReturnType<typeof spawnWorker> | undefined;
  let failure: Error | undefined;
  const pending = new Map<number, { resolve(): void; reject(error: Error): void }>();
  const start = (): ReturnType<typeof spawnWorker> => {
    const started = spawnWorker(workerUrl);
    started.listen((message) => {
      const { id, error } = message as StoredMessage;
      if (error) pending.get(id)?.reject(new DOMException(error.message, error.name));
      else pending.get(id)?.resolve();
      pending.delete(id);
    }, (error) => {
      failure = error;
      for (const { reject } of pending.values()) reject(error);
    });
    return started;
  };
  let nextId = 0;
  return {
    writeFile: (path, bytes) => new Promise((resolve, reject) => {
      worker ??= start();
      if (failure) return reject(failure);
      const id = nextId++;
      pending.set(id, { resolve, reject });
      worker.postMessage({ type: 'store', id, path, bytes } satisfies StoreMessage);
    }),
    close: async () => worker?.terminate(),
  };
}
