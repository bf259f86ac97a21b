// The machine's own ceiling, as a side: WebAssembly threads that read memory and do nothing with it, bytes per second.
import { readFileSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

const BYTES = 256 * 2 ** 20;
const SECONDS = 0.3;
const KERNELS = new URL('../../../dist/kernels/baseline.wasm', import.meta.url);

export async function version() {
  return process.version;
}

export async function load({ threads }) {
  const go = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from({ length: threads }, () => new Worker(fileURLToPath(import.meta.url), { workerData: { go } }));
  const answers = () => Promise.all(workers.map((worker) => new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  })));
  await answers();
  return {
    vocabSize: 0,
    description: { threads },
    async measure() {
      const rates = answers();
      Atomics.add(go, 0, 1);
      Atomics.notify(go, 0);
      return { bytesPerSecond: (await rates).reduce((sum, rate) => sum + rate, 0) };
    },
    memory: () => ({}),
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

function readForever({ go }) {
  const memory = new WebAssembly.Memory({ initial: BYTES / 65536 + 1 });
  // Pages that were never written are all the same page of zeros, and reading them is no reading of memory.
  new Uint8Array(memory.buffer).fill(1);
  const module = new WebAssembly.Module(readFileSync(KERNELS));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const read = (seconds) => {
    const startedAt = performance.now();
    let bytes = 0;
    while (performance.now() - startedAt < 1000 * seconds) {
      for (let at = 0; at < BYTES; at += BYTES / 16) exports.read_bytes(65536 + at, BYTES / 16);
      bytes += BYTES;
    }
    return (1000 * bytes) / (performance.now() - startedAt);
  };
  read(SECONDS / 2);
  parentPort.postMessage('ready');
  for (let turn = 0; ; turn++) {
    Atomics.wait(go, 0, turn);
    parentPort.postMessage(read(SECONDS));
  }
}

if (!isMainThread && workerData?.go) readForever(workerData);
