// One process at a time per model: a lock file whose heartbeat is its modification time and whose text is the progress.
import { readFileSync, readlinkSync } from 'node:fs';
import { open, readFile, rename, rm, link, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { failureCode, isNotGranted, storageFailure } from './failures.ts';
import { makeDir } from './files.ts';
import type { Progress, ReportProgress } from './progress.ts';

const POLL_MS = 100;
const HEARTBEAT_MS = 1000;
/** Older than this without a heartbeat, a lock's owner counts as gone, also where its process cannot be asked after. */
const STALE_MS = 20_000;
/** Every write has the same length, so that a reader never sees the rest of an older one. */
const RECORD_BYTES = 1024;

/** Whose process ids these are: containers may share a host's name and a cache, but never their list of processes. */
let processSpace: string | undefined;
/** Asked for with the first lock, since Deno takes permissions for it. */
const currentProcessSpace = (): string => (processSpace ??= findProcessSpace());

interface LockRecord {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  readonly progress?: Progress;
}

export interface Lock {
  /** Tells those who wait how far things are; written with the next heartbeat. */
  note(progress: Progress): void;
  release(): Promise<void>;
}

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Gets the owner's progress while waiting. */
  readonly report?: ReportProgress;
}

/** Waits until this process owns the lock `key`. Rejects with the signal's reason when it aborts. */
export async function acquireLock(cacheDir: string, key: string, options: LockOptions): Promise<Lock> {
  const dir = path.join(cacheDir, 'locks');
  const file = path.join(dir, `${key}.lock`);
  await makeDir(dir);
  for (;;) {
    options.signal?.throwIfAborted();
    const lock = await create(file);
    if (lock) return lock;
    const owner = await readOwner(file);
    if (owner && isGone(owner)) {
      await takeAway(file, owner.record.token);
    } else {
      if (owner?.record.progress) options.report?.({ ...owner.record.progress, waiting: true });
      await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => options.signal?.throwIfAborted());
    }
  }
}

async function create(file: string): Promise<Lock | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'wx');
  } catch (error) {
    // Windows answers EPERM or EBUSY while another process is deleting the file.
    const taken = ['EEXIST', ...(process.platform === 'win32' ? ['EPERM', 'EBUSY'] : [])];
    if (taken.includes(failureCode(error) ?? '')) return undefined;
    throw storageFailure(error, file);
  }
  const record: LockRecord = { token: randomUUID(), pid: process.pid, host: currentProcessSpace() };
  let progress: Progress | undefined;
  // The handle stays on this lock's own file, so a beat cannot touch the lock of one who took over.
  let beating: Promise<unknown> = writeRecord(handle, record);
  const timer = setInterval(() => {
    beating = beating.then(() => writeRecord(handle, { ...record, progress }));
  }, HEARTBEAT_MS);
  timer.unref();
  await beating;
  return {
    note(latest) {
      progress = latest;
    },
    async release() {
      clearInterval(timer);
      await beating;
      await handle.close();
      if ((await readOwner(file))?.record.token === record.token) await rm(file, { force: true });
    },
  };
}

/** A beat that cannot be written (full disk) only makes the lock look older. */
async function writeRecord(handle: FileHandle, record: LockRecord): Promise<void> {
  const full = Buffer.from(JSON.stringify(record));
  const text = full.length <= RECORD_BYTES ? full : Buffer.from(JSON.stringify({ ...record, progress: undefined }));
  const padded = Buffer.alloc(RECORD_BYTES, ' ');
  text.copy(padded);
  await handle.write(padded, 0, RECORD_BYTES, 0).catch(() => undefined);
}

interface Owner {
  readonly record: LockRecord;
  readonly ageMs: number;
}

/** Undefined where the lock has just been released. */
async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    const { mtimeMs } = await stat(file);
    const text = await readFile(file, 'utf8');
    const ageMs = Date.now() - mtimeMs;
    return { record: parseRecord(text), ageMs };
  } catch (error) {
    if (['ENOENT', 'EPERM', 'EBUSY'].includes(failureCode(error) ?? '')) return undefined;
    throw storageFailure(error, file);
  }
}

/** A record not yet or never written names nobody; its age alone decides. */
function parseRecord(text: string): LockRecord {
  const nobody: LockRecord = { token: '', pid: 0, host: '' };
  try {
    const record = JSON.parse(text) as LockRecord;
    return typeof record.token === 'string' && Number.isInteger(record.pid) ? record : nobody;
  } catch {
    return nobody;
  }
}

function isGone({ record, ageMs }: Owner): boolean {
  if (ageMs > STALE_MS) return true;
  return record.pid > 0 && record.host === currentProcessSpace() && !isRunning(record.pid);
}

function findProcessSpace(): string {
  try {
    return [os.hostname(), ...linuxProcessSpace()].join(' ');
  } catch (error) {
    if (isNotGranted(error)) return randomUUID();
    throw error;
  }
}

/** The running kernel and the namespace of process ids; nothing where the system does not say. */
function linuxProcessSpace(): string[] {
  if (process.platform !== 'linux') return [];
  try {
    return [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), readlinkSync('/proc/self/ns/pid')];
  } catch (error) {
    // Without both, only a lock's age tells: a name of its own, which no other process has, says so.
    if (failureCode(error) !== undefined) return [randomUUID()];
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return failureCode(error) !== 'ESRCH';
  }
}

/** Moves a dead owner's lock aside; one that changed hands in between is put back. */
async function takeAway(file: string, token: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
    if (parseRecord(await readFile(aside, 'utf8')).token !== token) await link(aside, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST', 'EPERM', 'EBUSY'].includes(failureCode(error) ?? '')) throw storageFailure(error, file);
  }
  await rm(aside, { force: true });
}
