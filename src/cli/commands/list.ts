// clawdbot list: the models in the cache, and those that the catalog knows.
import { canRun, defaultCatalog } from '../../sources/catalog.ts';
import { listCached } from '../../sources/cache.ts';
import type { CachedModel } from '../../sources/cache.ts';
import { formatBytes } from '../../sources/failures.ts';
import { defaultCacheDir } from '../../sources/settings.ts';
import { listUnfinished } from '../../sources/unfinished.ts';
import type { UnfinishedModel } from '../../sources/unfinished.ts';
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
    const unfinished = await listUnfinished({ cacheDir });
    if (options.json) {
      return printJson(stdout, [...cached, ...unfinished.map((model) => ({ ...model, unfinished: true }))]);
    }
    if (cached.length + unfinished.length > 0) return print(stdout, cacheTable(cached, unfinished));
    return print(
      stdout,
      `There are no models in ${printable(cacheDir)} yet. clawdbot list --catalog shows what can be had.\n`,
    );
  },
});

function cacheTable(models: readonly CachedModel[], unfinished: readonly UnfinishedModel[]): string {
  return table(
    [
      ['NAME', 'SIZE', 'LAST USED', 'SOURCE'],
      ...models.map(({ name, bytes, lastUsed, source }) => [
        printable(name),
        formatBytes(bytes),
        lastUsed.toISOString().slice(0, 10),
        printable(source).slice(0, 80),
      ]),
      ...unfinished.map(({ name, bytes, source }) => [
        printable(name),
        formatBytes(bytes),
        'unfinished',
        `${printable(source ?? '').slice(0, 80)} (clawdbot pull goes on, clawdbot rm deletes)`.trim(),
      ]),
    ],
    [1],
  );
}

function catalogRows(cached: readonly CachedModel[]): object[] {
  return defaultCatalog().models.map((model) => {
    const { name, description, format, licence, sizeBytes } = model;
    const isCached = cached.some(({ reference }) => reference === name);
    return { name, description, format, licence, sizeBytes, runs: canRun(model), cached: isCached };
  });
}

function catalogTable(cached: readonly CachedModel[]): string {
  return table(
    [
      ['NAME', 'SIZE', 'HERE', 'LICENCE', 'DESCRIPTION'],
      ...defaultCatalog().models.map((model) => [
        model.name,
        formatBytes(model.sizeBytes),
        cached.some(({ reference }) => reference === model.name) ? 'yes' : 'no',
        model.licence,
        canRun(model) ? model.description : `${model.description} (cannot be run by this version)`,
      ]),
    ],
    [1],
  );
}
