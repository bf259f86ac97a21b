// What a partial answer says of itself.
import { bodyLength } from './body-length.ts';
import type { Validators } from './validators.ts';

export interface ContentRange {
  readonly from: number;
  /** Its last byte. */
  readonly to: number;
  readonly total: number | undefined;
}

/** Undefined where there is none, where it is none, and where a host does not let the page read that header. */
export function contentRange({ headers }: Response): ContentRange | undefined {
  const [, ...numbers] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  const [from, to, total] = numbers.map(Number);
  if (from === undefined || from > to! || to! >= total!) return undefined;
  return { from, to: to!, total: Number.isNaN(total) ? undefined : total };
}

/**
 * Whether the answer goes on after `bytes` of the file of which `known` was noted. Not every host lets a page read these headers, and
 * not every one looks at If-Range: what can be read must agree.
 */
export function isContinuation(response: Response, bytes: number, known: Validators | undefined): boolean {
  if (response.status !== 206) return false;
  const { headers } = response;
  const range = contentRange(response);
  const length = bodyLength(response);
  const agrees = (now: string | number | null | undefined, then: string | number | undefined): boolean =>
    now === null || now === undefined || then === undefined || now === then;
  return (range ? range.from === bytes : length !== undefined && known?.totalBytes === bytes + length) &&
    agrees(range?.total, known?.totalBytes) && agrees(headers.get('etag'), known?.etag) &&
    agrees(headers.get('last-modified'), known?.lastModified);
}
