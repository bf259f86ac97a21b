// Compute workers of a page or of another worker: from the script that the bundle carries, or from an address.
import { EngineStoppedError } from '../../errors.ts';
import type { ComputeWorker } from '../platform.ts';

/** Messages wait until the script is there. */
export function spawnWorker(workerUrl: string | URL | undefined): ComputeWorker {
  let fail: (error: Error) => void = () => undefined;
  let receive: (message: unknown) => void = () => undefined;
  let worker: Worker | undefined;
  let isTerminated = false;
  const waiting: (readonly [message: unknown, transfer: ArrayBuffer[]])[] = [];

  const start = (url: string | URL): Worker => {
    const started = startWorker(url);
    started.addEventListener('message', ({ data }) => receive(data));
    started.addEventListener('messageerror', () => fail(new Error('a message could not be read')));
    started.addEventListener('error', (event) => {
      event.preventDefault();
      fail(new Error(event.message || unstarted(workerUrl)));
    });
    return started;
  };
  const begin = (url: string | URL): void => {
    if (isTerminated) return;
    worker = start(url);
    for (const [message, transfer] of waiting.splice(0)) worker.postMessage(message, transfer);
  };
  if (workerUrl !== undefined) begin(workerUrl);
  else ownScript().then(begin).catch((error: unknown) => fail(error as Error));

  return {
    postMessage(message, transfer = []) {
      if (worker) worker.postMessage(message, transfer);
      else waiting.push([message, transfer]);
    },
    listen(onMessage, onError) {
      receive = onMessage;
      fail = onError;
    },
    keepAlive() {},
    async terminate() {
      isTerminated = true;
      worker?.terminate();
    },
  };
}

let scriptUrl: string | undefined;

/** The address of the bundle's own script, for as long as the page lives. */
async function ownScript(): Promise<string> {
  const { default: script } = await import('#inline/browser-worker');
  return (scriptUrl ??= URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
}

/** The script imports and exports nothing, so that it is a classic worker's, which every browser has, as well as a module's. */
function startWorker(url: string | URL): Worker {
  try {
    return new Worker(url, { name: 'clawdbot-compute' });
  } catch (cause) {
    throw new EngineStoppedError(`A compute worker could not be started: ${(cause as Error).message} ${ADVICE}.`, { cause });
  }
}

const ADVICE = "Copy @clawdbot/runtime/browser-worker.js to the page's own origin and give its address as workerUrl";

function unstarted(workerUrl: string | URL | undefined): string {
  return workerUrl === undefined
    ? `its script was refused, as a content security policy without "worker-src blob:" does. ${ADVICE}`
    : `there is no script at "${String(workerUrl)}", or the page may not start it. ${ADVICE}`;
}
