// The chat page's files, whoever serves them: where one lies, of what type it is, and what the page may do.
import path from 'node:path';

export const PAGE_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.webmanifest': 'application/manifest+json', '.wasm': 'application/wasm', '.json': 'application/json',
};

/** The name that a URL's path asks for; undefined for what is no UTF-8. */
export function pageName(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname.slice(1));
  } catch {
    return undefined;
  }
}

/** The path of the file `name` ('' is the page itself); undefined for what is outside of the folder or of no known type. */
export function pageFile(folder: string, name: string): string | undefined {
  const file = path.resolve(folder, name === '' ? 'index.html' : name);
  return file.startsWith(folder + path.sep) && !name.includes('\0') && path.extname(file) in PAGE_TYPES ? file : undefined;
}

/** Compiling WebAssembly is allowed for the engine in the page; scripts come from here alone. `connect` says with whom it may talk. */
export function pageHeaders(connect: string): Readonly<Record<string, string>> {
  return {
    'content-security-policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
      `connect-src ${connect}; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp',
    'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
  };
}
