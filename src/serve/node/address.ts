// Where a server is, as people and programs write it.

/** The address at which a server listens. */
export function listeningUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
