// Numbers as people read them.

export function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(count >= 1e10 ? 0 : 1)} GB`;
  return count >= 1e6 ? `${Math.round(count / 1e6)} MB` : `${Math.max(1, Math.round(count / 1e3))} kB`;
}

export const parameters = (count: number): string =>
  (count >= 1e9 ? `${(count / 1e9).toFixed(count >= 1e10 ? 0 : 1)} B` : `${Math.max(1, Math.round(count / 1e6))} M`) + ' parameters';

export const tokens = (count: number): string => count.toLocaleString('en');

export const speed = (tokensPerSecond: number): string =>
  `${tokensPerSecond >= 10 ? Math.round(tokensPerSecond) : tokensPerSecond.toFixed(1)} tok/s`;

/** Milliseconds below a second, then seconds. */
export function duration(ms: number): string {
  return ms < 999.5 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(ms < 9500 ? 1 : 0)} s`;
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

const DAY_MS = 86_400_000;

/** The group of the list that a date falls into. */
export function period(date: number, now = new Date()): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  if (date >= midnight) return 'Today';
  if (date >= midnight - DAY_MS) return 'Yesterday';
  return date >= midnight - 7 * DAY_MS ? 'This week' : 'Earlier';
}
