// Empty pages on localhost that load the built browser entry, with the headers that a test wants.
import type { Browser, Page } from 'playwright-core';
import { inRepository } from '../support/fixtures.ts';
import { serveStatic } from './static-server.ts';
import type { StaticServerOptions } from './static-server.ts';

/** No Blobs, no eval, nothing from elsewhere. */
export const STRICT_CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'";

export interface OpenedPage {
  readonly page: Page;
  readonly origin: string;
  close(): Promise<void>;
}

/** `/dist` is the build, `/models` the tiny models of test/data/arch. */
export async function openPage(
  browser: Browser, headers: Readonly<Record<string, string>>, { folders, handle }: Partial<StaticServerOptions> = {},
): Promise<OpenedPage> {
  const server = await serveStatic({
    folders: { dist: inRepository('dist'), models: inRepository('test/data/arch'), web: inRepository('test/web/workers'), ...folders },
    headers,
    handle(request, response) {
      if (handle?.(request, response)) return true;
      if (request.url === '/favicon.ico') response.writeHead(204).end();
      else if (request.url === '/') response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title><script type="module" src="/web/page.js"></script>');
      return response.writableEnded;
    },
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.origin);
  return {
    page, origin: server.origin,
    async close() {
      await context.close();
      await server.close();
    },
  };
}
