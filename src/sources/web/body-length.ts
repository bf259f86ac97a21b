// How long an answer's body is.

/** The length of what will be read: a body that fetch decompresses is longer than it says. */
export function bodyLength({ headers }: Response): number | undefined {
  const text = headers.get('content-length');
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') return undefined;
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
