// The machine as far as a browser tells: cores, memory, and whether threads may share memory.

/** Most processors run two threads a core, which share its SIMD units; browsers count them both. */
export function physicalCores(): number {
  const logical = navigator.hardwareConcurrency || 1;
  return logical <= 2 ? logical : Math.ceil(logical / 2);
}

/** Chromium rounds and caps what it says: the most that it ever says stands for any amount. */
const MOST_SAID_GB = 8;

export function usableMemory(): number {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return deviceMemory === undefined || deviceMemory >= MOST_SAID_GB ? Infinity : deviceMemory * 2 ** 30;
}

export function whyUnshared(): string | undefined {
  if (globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== 'undefined') return undefined;
  return 'This page is not cross-origin isolated, so that threads cannot share memory: serve it with the headers ' +
    '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" over https: or from localhost.';
}
