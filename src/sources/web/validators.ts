// Whether what a download left may be continued: what was known of the file then, and what must still hold.
import type { Expected } from '../check-bytes.ts';
import { shown } from './shown.ts';

/** Kept beside a partial file. */
export interface Validators {
  readonly url: string;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly totalBytes?: number;
}

export function validatorsOf(url: URL, headers: Headers, totalBytes: number | undefined): Validators {
  const etag = headers.get('etag');
  const lastModified = headers.get('last-modified');
  return {
    url: shown(url),
    // A weak tag promises the same meaning, not the same bytes.
    ...(etag && !etag.startsWith('W/') && { etag }),
    ...(lastModified && { lastModified }),
    ...(totalBytes !== undefined && { totalBytes }),
  };
}

/** What was kept as JSON, where it has that form: anybody may have written there since. */
export function validatorsFrom(value: unknown): Validators | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { url, etag, lastModified, totalBytes } = value as Partial<Record<keyof Validators, unknown>>;
  const isText = (text: unknown): boolean => text === undefined || typeof text === 'string';
  const isCount = totalBytes === undefined || (Number.isSafeInteger(totalBytes) && (totalBytes as number) >= 0);
  return typeof url === 'string' && isText(etag) && isText(lastModified) && isCount ? value as Validators : undefined;
}

/** Whether `keptBytes` may be the beginning of what `url` gives. */
export function canResume(
  kept: Validators | undefined, keptBytes: number, url: URL, expected: Expected,
): kept is Validators {
  const total = expected.sizeBytes ?? kept?.totalBytes;
  // Without a validator only a known hash can tell whether old and new bytes belong together.
  return keptBytes > 0 && kept?.url === shown(url) && (total === undefined || keptBytes <= total) &&
    (kept.etag !== undefined || kept.lastModified !== undefined || expected.sha256 !== undefined);
}
