// What resolving a model reports while it runs, at a pace a terminal can follow.

export type ProgressPhase = 'resolve' | 'download' | 'verify' | 'extract';

export interface Progress {
  readonly phase: ProgressPhase;
  /** What is being fetched, checked or unpacked. */
  readonly file: string;
  readonly loadedBytes: number;
  /** Absent while unknown. */
  readonly totalBytes?: number;
  /** Another process fetches the same model and this one waits for it. */
  readonly waiting?: boolean;
}

export type ReportProgress = (progress: Progress) => void;

const INTERVAL_MS = 100;

/** Lets through the first report of each phase and file, every last one, and ten a second in between. */
export function throttled(report: ReportProgress | undefined): ReportProgress {
  if (!report) return () => undefined;
  let lastTime = 0;
  let lastKind = '';
  return (progress) => {
    const kind = `${progress.phase} ${progress.file}`;
    const now = performance.now();
    const isLast = progress.loadedBytes === progress.totalBytes;
    if (kind === lastKind && !isLast && now - lastTime < INTERVAL_MS) return;
    lastKind = kind;
    lastTime = now;
    report(progress);
  };
}
