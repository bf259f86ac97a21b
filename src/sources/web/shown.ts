// URLs as people may see them.

/** A URL for messages and records: no password, no query, which may hold a signature. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
