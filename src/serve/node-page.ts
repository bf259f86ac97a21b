// The chat page at `/`: the built files of web/, with a policy that lets it talk to this server only.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Hono } from 'hono';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.webmanifest': 'application/manifest+json', '.wasm': 'application/wasm', '.json': 'application/json',
};
/** Compiling WebAssembly is allowed for the engine in the page; scripts come from here alone. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
  "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Adds the page of `folder`, if it has one, to an app. */
export function servePage(app: Hono, folder: string): void {
  if (!existsSync(path.join(folder, 'index.html'))) return;
  app.get('*', async (context, next) => {
    const name = context.req.path === '/' ? 'index.html' : decodeURIComponent(context.req.path.slice(1));
    const file = path.resolve(folder, name);
    const type = TYPES[path.extname(file)];
    if (!file.startsWith(folder + path.sep) || name.includes('\0') || type === undefined || !existsSync(file)) return next();
    return context.body(new Uint8Array(await readFile(file)), 200, {
      'content-type': type, 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp',
      'cache-control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
  });
}
