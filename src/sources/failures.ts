// Which failures there are: the user's abort, the disk's, the network's; and how each is put into words.
import { ModelSourceError } from '../errors.ts';

const STORAGE_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full. Free some space or set CLAWDBOT_CACHE to a folder on another disk',
  EDQUOT: 'your disk quota is used up. Free some space or set CLAWDBOT_CACHE to a folder on another disk',
  EACCES: 'permission is denied. Check who owns it or set CLAWDBOT_CACHE to a folder you may write to',
  EPERM: 'the operation is not permitted. Check who owns it or set CLAWDBOT_CACHE to a folder you may write to',
  EROFS: 'the file system is read-only. Set CLAWDBOT_CACHE to a folder you may write to',
  ENOTDIR: 'part of that path is a file. Set CLAWDBOT_CACHE to a folder',
  EFBIG: 'the file system cannot hold a file of this size. Set CLAWDBOT_CACHE to a folder on another disk',
};

/** The innermost `code` of an error and its causes: ENOSPC, ECONNRESET, UND_ERR_SOCKET … */
export function failureCode(error: unknown): string | undefined {
  let code: string | undefined;
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const own = (at as NodeJS.ErrnoException).code;
    if (typeof own === 'string') code = own;
  }
  return code;
}

/** Deno's refusal of what its command line did not allow. */
export function isNotGranted(error: unknown): boolean {
  return error instanceof Error && error.name === 'NotCapable';
}

/** No other source would fare better: the local disk is at fault. */
export function isStorageFailure(error: unknown): boolean {
  return (failureCode(error) ?? '') in STORAGE_REASONS;
}

/** Rewords what the file system says about a path of the cache; anything else passes through unchanged. */
export function storageFailure(error: unknown, file: string): unknown {
  const reason = STORAGE_REASONS[failureCode(error) ?? ''];
  if (!reason || error instanceof ModelSourceError) return error;
  return new ModelSourceError(`Cannot use "${file}": ${reason}.`, { cause: error });
}

export function diskFull(dir: string, needed: number, available: number): ModelSourceError {
  const cause = Object.assign(new Error('not enough free space'), { code: 'ENOSPC' });
  return new ModelSourceError(
    `The disk of "${dir}" has ${formatBytes(available)} free and ${formatBytes(needed)} are needed. ` +
      'Free some space or set CLAWDBOT_CACHE to a folder on another disk.',
    { cause },
  );
}

export function isAbort(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && (error === signal.reason || (error as Error)?.name === 'AbortError');
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** A name that is one path segment on every system and none of the cache's own, from text that may be hostile. */
export function safeFileName(text: string): string {
  const base = text.replace(/[\\/]+$/, '').split(/[\\/]/).at(-1)!.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^[.-]+/, '');
  const name = base.slice(-120) || 'model.gguf';
  return /^(entry|parts)\.json$/i.test(name) ? `model-${name}` : name;
}
