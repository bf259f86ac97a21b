// A package registry on localhost that has a few tarballs and nothing else, for `npx`, `bunx` and `deno run npm:…`.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Registry {
  readonly url: string;
  close(): Promise<void>;
}

export async function serveRegistry(tarballs: Readonly<Record<string, string>>): Promise<Registry> {
  const contents = Object.fromEntries(Object.entries(tarballs)
    .map(([name, file]) => [name, { bytes: readFileSync(file), manifest: manifestOf(file) }]));
  const server = createServer((request, response) => {
    const [name, file] = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname).slice(1).split('/-/');
    const content = contents[name!];
    if (!content) response.writeHead(404).end('{}');
    else if (file !== undefined) response.end(content.bytes);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(describe(name!, content, url)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

interface Content {
  readonly bytes: Buffer;
  readonly manifest: { readonly version: string };
}

function manifestOf(tarball: string): Content['manifest'] {
  return JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' })) as Content['manifest'];
}

/** What a registry says about a package: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */
function describe(name: string, { bytes, manifest }: Content, url: string): object {
  const dist = {
    tarball: `${url}/${name}/-/package.tgz`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
  return { name, 'dist-tags': { latest: manifest.version }, versions: { [manifest.version]: { ...manifest, dist } } };
}
