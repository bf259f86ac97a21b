// Assertions that need no runtime's own.

export function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [show(actual), show(expected)];
  if (a !== b) throw new Error(`${what}: ${a.slice(0, 300)} instead of ${b.slice(0, 300)}`);
}

export function isTrue(condition: unknown, what: string): void {
  if (!condition) throw new Error(what);
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`${what}: nothing was thrown`);
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  // A copy: shared memory cannot be hashed.
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Root mean square of the difference, in standard deviations of `expected`. */
export function relativeRms(actual: Float32Array, expected: Float32Array): number {
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  let [difference, spread] = [0, 0];
  expected.forEach((value, i) => {
    difference += (actual[i]! - value) ** 2;
    spread += (value - mean) ** 2;
  });
  return Math.sqrt(difference / spread);
}

/** Typed arrays with their type and all values; NaN and -0 as themselves. */
function show(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (ArrayBuffer.isView(item)) return `${item.constructor.name}:${[...(item as Uint8Array)].map((n) => (Object.is(n, -0) ? '-0' : String(n))).join()}`;
    return typeof item === 'bigint' || (typeof item === 'number' && !Number.isFinite(item)) ? String(item) : item;
  }) ?? 'undefined';
}
