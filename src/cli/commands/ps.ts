// clawdbot ps: the servers of this user that run.
import { defaultCacheDir } from '../../sources/settings.ts';
import { command } from '../command.ts';
import { printable, table } from '../format.ts';
import { refusePositionals } from '../input.ts';
import { print, printJson } from '../output.ts';
import { listServers } from '../servers/records.ts';
import { EVERYWHERE, JSON_OUTPUT, SOURCE } from '../shared-options.ts';

export const ps = command({
  name: 'ps',
  summary: 'Show the servers that run',
  usage: '[OPTIONS]',
  examples: ['clawdbot ps', 'clawdbot ps --json'],
  options: { ...JSON_OUTPUT, cacheDir: SOURCE.cacheDir, ...EVERYWHERE },
  async run({ options, positionals }, { stdout, env }) {
    refusePositionals(positionals, 'clawdbot ps takes options only.');
    const servers = await listServers(options.cacheDir ?? defaultCacheDir(env));
    if (options.json) return printJson(stdout, servers.map(({ pid, url, models, since }) => ({ pid, url, models, since })));
    if (servers.length === 0) return print(stdout, 'No servers run. clawdbot serve starts one.\n');
    const rows = servers.map(({ pid, url, models, since }) =>
      [String(pid), printable(url), uptime(Date.now() - Date.parse(since)), printable(models.join(', '))]);
    return print(stdout, table([['PID', 'ADDRESS', 'UPTIME', 'MODELS'], ...rows], [0]));
  },
});

/** 3d 4h, 4h 5m, 5m 6s, 6s. */
export function uptime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [[Math.floor(seconds / 86400), 'd'], [Math.floor(seconds / 3600) % 24, 'h'], [Math.floor(seconds / 60) % 60, 'm'], [seconds % 60, 's']];
  const first = parts.findIndex(([count]) => count !== 0);
  return first < 0 ? '0s' : parts.slice(first, first + 2).map((part) => part.join('')).join(' ');
}
