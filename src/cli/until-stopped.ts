// Waits for whoever started a server to stop it.
import type { Surroundings } from './command.ts';

/** Resolves at Ctrl-C, SIGTERM or an aborted command. */
export function untilStopped({ signal, onInterrupt, onTerminate }: Surroundings): Promise<void> {
  return new Promise((resolve) => {
    const removers: (() => void)[] = [];
    const stop = (): void => {
      for (const remove of removers) remove();
      resolve();
    };
    removers.push(onInterrupt(stop), onTerminate(stop));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
