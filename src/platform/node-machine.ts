// The machine as Node sees it: physical cores this process may use, memory of the machine or its container.
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** One per physical core among the usable ones; hyper-threads share their core's SIMD units and only add barriers. */
export function physicalCores(): number {
  const usable = os.availableParallelism();
  const cores = new Set<string>();
  for (let cpu = 0; cpu < os.cpus().length; cpu++) {
    const siblings = readText(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
    if (siblings === undefined) return usable;
    cores.add(siblings.trim());
  }
  return Math.max(1, Math.min(usable, cores.size));
}

/** Bytes this process may use: the container's limit where there is one, else the machine's memory. */
export function usableMemory(): number {
  const total = os.totalmem();
  const constrained = (process as { constrainedMemory?: () => number | undefined }).constrainedMemory?.() ?? 0;
  return constrained > 0 && constrained < total ? constrained : total;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
