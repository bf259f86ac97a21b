// clawdbot stop: ends servers of this user, which answer what they have begun.
import { ClawdbotError } from '../../errors.ts';
import { defaultCacheDir } from '../../sources/settings.ts';
import { command } from '../command.ts';
import { printable } from '../format.ts';
import { flag, integer } from '../options.ts';
import { print, printJson } from '../output.ts';
import { UsageError } from '../parse-arguments.ts';
import { isStillThere, listServers } from '../servers/records.ts';
import type { ServerRecord } from '../servers/records.ts';
import { EVERYWHERE, JSON_OUTPUT, SOURCE } from '../shared-options.ts';

/** A server gives its requests 30 seconds, and then frees its models. */
const PATIENCE_S = 40;
const POLL_MS = 50;

export const stop = command({
  name: 'stop',
  summary: 'Stop a server',
  usage: '[PID …] [OPTIONS]',
  notes: 'Without PID the only one that runs. It takes no more requests, gives running ones 30 seconds, and ends.',
  examples: ['clawdbot stop', 'clawdbot stop 4711', 'clawdbot stop --all --force'],
  options: {
    all: flag({ help: 'All that clawdbot ps shows' }),
    force: flag({ help: 'End it at once; running requests break off' }),
    wait: integer({ min: 0, max: 86400 }, { value: 'SECONDS', help: `How long to wait for its end (${PATIENCE_S})` }),
    ...JSON_OUTPUT, cacheDir: SOURCE.cacheDir, ...EVERYWHERE,
  },
  async run({ options, positionals }, { stdout, env, signal }) {
    const cacheDir = options.cacheDir ?? defaultCacheDir(env);
    const running = await listServers(cacheDir);
    const chosen = choose(running, positionals, options.all ?? false);
    for (const { pid } of chosen) process.kill(pid, options.force ? 'SIGKILL' : 'SIGTERM');
    const stopped: number[] = [];
    for (const server of chosen) {
      await ended(server, options.wait ?? PATIENCE_S, signal);
      stopped.push(server.pid);
      if (!options.json) await print(stdout, `Stopped ${server.pid} (${printable(server.url)}).\n`);
    }
    // What a killed one has left.
    await listServers(cacheDir);
    if (options.json) await printJson(stdout, { stopped });
  },
});

function choose(running: readonly ServerRecord[], pids: readonly string[], all: boolean): readonly ServerRecord[] {
  if (all && pids.length > 0) throw new UsageError('Give PIDs or --all, not both.');
  if (pids.length > 0) return pids.map((pid) => running.find((server) => String(server.pid) === pid) ?? unknown(pid));
  if (all || running.length === 1) return running;
  if (running.length === 0) throw new ClawdbotError('ERR_NOT_RUNNING', 'No server runs.');
  throw new UsageError(`${running.length} servers run. Say which by its PID (clawdbot ps), or --all.`);
}

function unknown(pid: string): never {
  throw new ClawdbotError('ERR_NOT_RUNNING', `No server with PID ${JSON.stringify(pid.slice(0, 20))} runs; clawdbot ps shows those that do.`);
}

async function ended(server: ServerRecord, seconds: number, signal: AbortSignal): Promise<void> {
  for (const until = Date.now() + 1000 * seconds; await isStillThere(server);) {
    signal.throwIfAborted();
    if (Date.now() >= until) {
      throw new ClawdbotError('ERR_STILL_RUNNING', `Server ${server.pid} has not ended after ${seconds} seconds. --force ends it at once.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
