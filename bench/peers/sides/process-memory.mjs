// Memory of processes as Linux tells it, in bytes: the peak of one, its present parts, and the sum over a process tree.
import { readdirSync, readFileSync } from 'node:fs';

/** Peak resident set of a process, and what of its resident set is private memory and mapped files at this moment. */
export function processMemory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (field) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN);
  return { peakBytes: bytes('VmHWM'), anonymousBytes: bytes('RssAnon'), fileBytes: bytes('RssFile') };
}

export function ownMemory() {
  return processMemory('self');
}

/** All processes below `root`: pid and command line. */
export function descendants(root) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    // The command name, in parentheses, may hold spaces.
    if (stat) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid) => {
    for (let at = parents.get(pid); at; at = parents.get(at)) if (at === root) return true;
    return false;
  };
  return [...parents.keys()].filter(isBelow).map((pid) => ({
    pid,
    command: (readIfThere(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' '),
  }));
}

/** Resident memory of processes in which a page that several share counts once in all. */
export function proportionalBytes(pids) {
  return pids.reduce((sum, pid) => {
    const rollup = readIfThere(`/proc/${pid}/smaps_rollup`);
    return sum + 1024 * Number(/^Pss:\s+(\d+) kB/m.exec(rollup ?? '')?.[1] ?? 0);
  }, 0);
}

/** A file of /proc, or undefined when its process has ended. */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}
