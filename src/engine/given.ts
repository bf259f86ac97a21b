// What a call was given, as it was then: work that waits for its turn reads a copy, so that callers may change what is theirs meanwhile.

/**
 * Arrays, typed arrays and plain objects anew, all the way down; strings, functions, signals (some are plain objects) and what has a class
 * are the caller's own.
 */
export function copyOf<T>(value: T): T {
  const copies = new Map<unknown, unknown>();
  const open: Record<string | number, unknown>[] = [];
  const copy = (from: unknown): unknown => {
    if (typeof from !== 'object' || from === null) return from;
    const known = copies.get(from);
    if (known !== undefined) return known;
    const to = shallow(from);
    copies.set(from, to);
    if (to !== from && !ArrayBuffer.isView(to)) open.push(to as Record<string | number, unknown>);
    return to;
  };
  const whole = copy(value);
  for (let next = open.pop(); next; next = open.pop()) {
    const keys = Array.isArray(next) ? next.keys() : Object.keys(next);
    for (const key of keys) if (typeof next[key] === 'object') next[key] = copy(next[key]);
  }
  return whole as T;
}

function shallow(from: object): object {
  if (Array.isArray(from)) return from.slice();
  // Node's Buffer has a slice that shares its memory.
  if (ArrayBuffer.isView(from)) return from instanceof DataView ? from : Uint8Array.prototype.slice.call(from);
  if (typeof (from as Partial<AbortSignal>).addEventListener === 'function') return from;
  const prototype: unknown = Object.getPrototypeOf(from);
  return prototype === Object.prototype || prototype === null ? { ...from } : from;
}
