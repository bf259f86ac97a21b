// What the browser's sources are given: powers of the platform, what may be done, and whom to tell.
import type { ReportProgress } from '../progress.ts';

export interface BrowserSettings {
  readonly signal: AbortSignal | undefined;
  readonly report: ReportProgress;
  /** Writes a file of the origin's private file system, whole. `path` leads from its root. */
  writeFile(path: readonly string[], bytes: Uint8Array): Promise<void>;
  /** Attempts without any progress before giving up, and the first pause between them. */
  readonly attempts: number;
  readonly delayMs: number;
  /** A connection that delivers nothing for this long counts as broken. */
  readonly stallMs: number;
  /** A file is kept in pieces of this size: what a closed page loses of a download at most. */
  readonly segmentBytes: number;
}
