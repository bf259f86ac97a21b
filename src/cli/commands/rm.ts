// clawdbot rm: deletes models from the cache.
import { ModelSourceError } from '../../errors.ts';
import { removeCached } from '../../sources/cache.ts';
import type { CachedModel } from '../../sources/cache.ts';
import { removeUnfinished } from '../../sources/unfinished.ts';
import type { UnfinishedModel } from '../../sources/unfinished.ts';
import { formatBytes } from '../../sources/failures.ts';
import { defaultCacheDir } from '../../sources/settings.ts';
import { command } from '../command.ts';
import { printable } from '../format.ts';
import { print, printJson } from '../output.ts';
import { UsageError } from '../parse-arguments.ts';
import { EVERYWHERE, JSON_OUTPUT, MODEL_TO_NAME, SOURCE } from '../shared-options.ts';

export const rm = command({
  name: 'rm',
  summary: 'Delete models from the cache',
  usage: 'MODEL… [OPTIONS]',
  notes: 'MODEL is a name or reference that clawdbot list shows; what an interrupted download has left goes too.',
  examples: ['clawdbot rm smollm2', 'clawdbot rm hf:user/repo:Q4_K_M'],
  options: { ...MODEL_TO_NAME, ...JSON_OUTPUT, cacheDir: SOURCE.cacheDir, ...EVERYWHERE },
  async run({ options, positionals }, { stdout, env }) {
    const names = [...positionals, ...(options.model === undefined ? [] : [options.model])];
    if (names.length === 0) throw new UsageError('Say which model to delete; clawdbot list shows their names.');
    const removed: (CachedModel | UnfinishedModel)[] = [];
    for (const name of names) {
      const model = await remove(name, options.cacheDir ?? defaultCacheDir(env));
      removed.push(model);
      if (!options.json) await print(stdout, `Deleted ${printable(model.name)} (${formatBytes(model.bytes)}).\n`);
    }
    if (options.json) await printJson(stdout, { removed });
  },
});

async function remove(name: string, cacheDir: string): Promise<CachedModel | UnfinishedModel> {
  try {
    return await removeCached(name, { cacheDir });
  } catch (error) {
    const unfinished = error instanceof ModelSourceError ? await removeUnfinished(name, { cacheDir }) : undefined;
    if (!unfinished) throw error;
    return unfinished;
  }
}
