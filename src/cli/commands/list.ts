// clawdbot list: the models in the cache, and those that the catalog knows.
import { defaultCatalog } from '../../sources/catalog.ts';
import { listCached } from '../../sources/cache.ts';
import type { CachedModel } from '../../sources/cache.ts';
import { formatBytes } from '../../sources/failures.ts';
import { defaultCacheDir } from '../../sources/settings.ts';
import { command } from '../command.ts';
import { printable, table } from '../format.ts';
import { refusePositionals } from '../input.ts';
import { flag } from '../options.ts';
import { print, printJson } from '../output.ts';
import { EVERYWHERE, JSON_OUTPUT, SOURCE } from '../shared-options.ts';

export const list = command({
  name: 'list',
  summary: 'Show the models in the cache',
  usage: '[OPTIONS]',
  examples: ['clawdbot list', 'clawdbot list --catalog', 'clawdbot list --json'],
  options: {
    catalog: flag({ help: 'Show what can be had by name, downloaded or not' }),
    ...JSON_OUTPUT,
    cacheDir: SOURCE.cacheDir,
    ...EVERYWHERE,
  },
  async run({ options, positionals }, { stdout, env }) {
    refusePositionals(positionals, 'clawdbot list takes options only.');
    const cacheDir = options.cacheDir ?? defaultCacheDir(env);
    const cached = await listCached({ cacheDir });
    if (options.catalog)
      return options.json ? printJson(stdout, catalogRows(cached)) : print(stdout, catalogTable(cached));
    if (options.json) return printJson(stdout, cached);
    if (cached.length > 0) return print(stdout, cacheTable(cached));
    return print(
      stdout,
      `There are no models in ${printable(cacheDir)} yet. clawdbot list --catalog shows what can be had.\n`,
    );
  },
});

function cacheTable(models: readonly CachedModel[]): string {
  return table(
    [
      ['NAME', 'SIZE', 'LAST USED', 'SOURCE'],
      ...models.map(({ name, bytes, lastUsed, source }) => [
        printable(name),
        formatBytes(bytes),
        lastUsed.toISOString().slice(0, 10),
        printable(source).slice(0, 80),
      ]),
    ],
    [1],
  );
}

function catalogRows(cached: readonly CachedModel[]): object[] {
  return defaultCatalog().models.map(({ name, description, format, licence, sizeBytes }) => ({
    name,
    description,
    format,
    licence,
    sizeBytes,
    cached: cached.some((model) => model.reference === name),
  }));
}

function catalogTable(cached: readonly CachedModel[]): string {
  return table(
    [
      ['NAME', 'SIZE', 'HERE', 'LICENCE', 'DESCRIPTION'],
      ...defaultCatalog().models.map(({ name, sizeBytes, licence, description }) => [
        name,
        formatBytes(sizeBytes),
        cached.some((model) => model.reference === name) ? 'yes' : 'no',
        licence,
        description,
      ]),
    ],
    [1],
  );
}
