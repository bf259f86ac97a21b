// Shows on stderr how far a model's download and loading are: one moving line on a terminal, few plain lines elsewhere.
import { formatBytes } from '../sources/failures.ts';

/** The shape of what `onProgress` gets; phases that are unknown here are shown by their own name. */
export interface ShownProgress {
  readonly phase: string;
  readonly file: string;
  readonly loadedBytes: number;
  readonly totalBytes?: number;
  readonly waiting?: boolean;
}

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressBar {
  /** Fits `onProgress`. */
  readonly update: (progress: ShownProgress) => void;
  /** Clears the line (or ends the last one); to be called before anything else is written, also after a failure. */
  readonly finish: () => void;
}

const VERBS: Readonly<Record<string, string>> = {
  resolve: 'Looking up', download: 'Downloading', verify: 'Checking', extract: 'Unpacking', load: 'Loading',
  warmup: 'Warming up',
};

const REDRAW_MS = 80;
const BAR_WIDTH = 24;
/** Plain output gets one line per phase and per this share of it. */
const PLAIN_STEP = 0.25;
/** A rate over a shorter time says nothing. */
const RATE_AFTER_MS = 1000;

export function createProgressBar(
  options: { readonly output?: ProgressOutput; readonly now?: () => number } = {},
): ProgressBar {
  const output = options.output ?? process.stderr;
  const now = options.now ?? (() => performance.now());
  return output.isTTY ? terminalBar(output, now) : plainLines(output);
}

function terminalBar(output: ProgressOutput, now: () => number): ProgressBar {
  let drawnAt = -Infinity;
  let isDrawn = false;
  let kind = '';
  let start = { time: 0, bytes: 0 };
  return {
    update(progress) {
      const time = now();
      const newKind = `${progress.phase} ${progress.file}`;
      if (newKind !== kind) {
        kind = newKind;
        start = { time, bytes: progress.loadedBytes };
      } else if (time - drawnAt < REDRAW_MS && progress.loadedBytes !== progress.totalBytes) {
        return;
      }
      drawnAt = time;
      isDrawn = true;
      // Some terminals say 0. One column stays free: a full line would wrap on others.
      const width = Math.max(20, output.columns || 80) - 1;
      output.write(`\r\u001b[2K${lineOf(progress, start, time).slice(0, width)}`);
    },
    finish() {
      if (isDrawn) output.write('\r\u001b[2K');
      isDrawn = false;
    },
  };
}

function lineOf(progress: ShownProgress, start: { time: number; bytes: number }, time: number): string {
  const { loadedBytes, totalBytes } = progress;
  const pieces = [label(progress)];
  if (totalBytes) {
    const share = Math.min(1, loadedBytes / totalBytes);
    const full = Math.round(share * BAR_WIDTH);
    const percent = String(Math.floor(share * 100)).padStart(3);
    pieces.push(`[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}] ${percent} %`);
  }
  if (loadedBytes > 0) pieces.push(amount(progress));
  const seconds = (time - start.time) / 1000;
  const rate = (loadedBytes - start.bytes) / seconds;
  if (seconds * 1000 >= RATE_AFTER_MS && rate > 0) {
    pieces.push(`${formatBytes(rate)}/s`);
    if (totalBytes && totalBytes > loadedBytes) pieces.push(`${duration((totalBytes - loadedBytes) / rate)} left`);
  }
  return pieces.join('  ');
}

function plainLines(output: ProgressOutput): ProgressBar {
  let kind = '';
  let nextShare = 0;
  return {
    update(progress) {
      const newKind = `${progress.phase} ${progress.file}`;
      const share = progress.totalBytes ? progress.loadedBytes / progress.totalBytes : 0;
      if (newKind !== kind) {
        kind = newKind;
        nextShare = PLAIN_STEP;
        output.write(`${label(progress)}${progress.totalBytes ? ` (${formatBytes(progress.totalBytes)})` : ''}\n`);
      }
      if (share < nextShare) return;
      nextShare = (Math.floor(share / PLAIN_STEP) + 1) * PLAIN_STEP;
      output.write(`${label(progress)}: ${Math.floor(share * 100)} %, ${amount(progress)}\n`);
    },
    finish: () => undefined,
  };
}

function label(progress: ShownProgress): string {
  const verb = VERBS[progress.phase] ?? progress.phase;
  return `${progress.waiting ? 'Another process: ' : ''}${verb} ${printable(progress.file)}`;
}

/** Names come from files and servers: no control characters reach the terminal, and long ones keep their end. */
function printable(text: string): string {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
  return plain.length <= 40 ? plain : `…${plain.slice(-39)}`;
}

function amount({ loadedBytes, totalBytes }: ShownProgress): string {
  return totalBytes ? `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}` : formatBytes(loadedBytes);
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
