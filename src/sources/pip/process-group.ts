// Ends a started program together with what it has started itself (wrappers such as pyenv's run pip as a child).
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { failureCode } from '../failures.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** For `spawn`: a group of its own, so that all of it can be ended. Windows ends process trees otherwise. */
export const OWN_GROUP = { detached: process.platform !== 'win32' } as const;

export function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true })
      .on('error', () => child.kill());
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (failureCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * A group of its own does not get the terminal's Ctrl-C: until the returned function is called, it ends with this
 * process. A program with its own handlers decides for itself.
 */
export function endWithThisProcess(child: ChildProcess): () => void {
  const onExit = (): void => endGroup(child);
  const onSignal = (name: NodeJS.Signals): void => {
    if (process.listenerCount(name) > 1) return;
    release();
    endGroup(child);
    process.kill(process.pid, name);
  };
  const release = (): void => {
    process.removeListener('exit', onExit);
    for (const name of SIGNALS) process.removeListener(name, onSignal);
  };
  process.on('exit', onExit);
  for (const name of SIGNALS) process.on(name, onSignal);
  return release;
}
