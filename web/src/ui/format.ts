// Numbers as people read them.

export function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(count >= 1e10 ? 0 : 1)} GB`;
  return count >= 1e6 ? `${Math.round(count / 1e6)} MB` : `${Math.max(1, Math.round(count / 1e3))} kB`;
}

export const tokens = (count: number): string => count.toLocaleString('en');

export const speed = (tokensPerSecond: number): string =>
  `${tokensPerSecond >= 10 ? Math.round(tokensPerSecond) : tokensPerSecond.toFixed(1)} tok/s`;

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

const DAY_MS = 86_400_000;

/** The group of the list that a date falls into. */
export function period(date: number, now = new Date()): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  if (date >= midnight) return 'Today';
  if (date >= midnight - DAY_MS) return 'Yesterday';
  return date >= midnight - 7 * DAY_MS ? 'This week' : 'Earlier';
}
