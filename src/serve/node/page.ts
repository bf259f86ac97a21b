// The chat page at `/`: the built files of web/, with a policy that lets it talk to this server only.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Hono } from 'hono';
import { PAGE_TYPES, pageFile, pageHeaders, pageName } from './page-files.ts';

const HEADERS = pageHeaders("'self'");

/** Adds the page of `folder`, if it has one, to an app. */
export function servePage(app: Hono, folder: string): void {
  if (!existsSync(path.join(folder, 'index.html'))) return;
  app.get('*', async (context, next) => {
    const name = pageName(context.req.path);
    const file = name === undefined ? undefined : pageFile(folder, name);
    if (name === undefined || file === undefined || !existsSync(file)) return next();
    return context.body(new Uint8Array(await readFile(file)), 200, {
      ...HEADERS, 'content-type': PAGE_TYPES[path.extname(file)]!,
      'cache-control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
  });
}
