// Room in the browser's storage: asked about before a download, and for its data to stay when the disk gets full.
import { ModelSourceError } from '../../errors.ts';
import { formatBytes } from '../failures.ts';

/** Throws ModelSourceError where the browser says that it will not keep `bytes` more. */
export async function checkQuota(name: string, bytes: number): Promise<void> {
  // Not every browser says; then writing will tell.
  const { quota, usage = 0 } = (await navigator.storage.estimate?.()) ?? {};
  if (quota !== undefined && quota - usage < bytes) throw storageFull(name, bytes, Math.max(0, quota - usage));
}

export function storageFull(name: string, bytes: number | undefined, available?: number, cause?: unknown): ModelSourceError {
  const needed = bytes === undefined ? '' : ` and ${formatBytes(bytes)} are needed`;
  const room = available === undefined ? 'has no room left' : `has room for ${formatBytes(available)}`;
  return new ModelSourceError(
    `"${name}" cannot be kept: this browser's storage for the page ${room}${needed}. Remove other models ` +
      '(Engine.removeModel), or load it with cache: false, which reads it from its address each time.', { cause },
  );
}

/** Asks that the browser evict nothing by itself; whether it agrees is its own (some ask the user). */
export async function keepStorage(): Promise<void> {
  const { storage } = navigator;
  if (storage.persist && !(await storage.persisted?.())) await storage.persist();
}
