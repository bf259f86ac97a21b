// Which servers of this user run: a file for each in the cache folder, written by it and taken away by whoever finds it gone.
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeFileWhole } from '../../platform/node-write.ts';
import { processStart } from './process-start.ts';

export interface ServerRecord {
  readonly pid: number;
  /** See processStart. */
  readonly start: string;
  readonly url: string;
  readonly models: readonly string[];
  /** ISO 8601. */
  readonly since: string;
}

const FOLDER = 'servers';
const LONGEST_RECORD = 65536;
const fileOf = (cacheDir: string, pid: number): string => path.join(cacheDir, FOLDER, `${pid}.json`);

/** Says that this process serves; returns what takes that back. */
export async function recordServer(cacheDir: string, server: Pick<ServerRecord, 'url' | 'models'>): Promise<() => Promise<void>> {
  const { pid } = process;
  const record: ServerRecord = { pid, start: (await processStart(pid)) ?? '', since: new Date().toISOString(), ...server };
  await mkdir(path.join(cacheDir, FOLDER), { recursive: true, mode: 0o700 });
  await writeFileWhole(fileOf(cacheDir, pid), [new TextEncoder().encode(JSON.stringify(record))]);
  return () => rm(fileOf(cacheDir, pid), { force: true });
}

/** Those that still run, the oldest first; files of others are deleted. */
export async function listServers(cacheDir: string): Promise<ServerRecord[]> {
  const names = await readdir(path.join(cacheDir, FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: ServerRecord[] = [];
  for (const name of names.filter((name) => /^\d+\.json$/.test(name))) {
    const file = path.join(cacheDir, FOLDER, name);
    const record = parsed(await readFile(file, 'utf8').catch(() => ''), Number.parseInt(name, 10));
    if (record && (await isStillThere(record))) found.push(record);
    else await rm(file, { force: true });
  }
  return found.sort((a, b) => a.since.localeCompare(b.since));
}

export async function isStillThere({ pid, start }: ServerRecord): Promise<boolean> {
  return (await processStart(pid)) === start;
}

function parsed(text: string, pid: number): ServerRecord | undefined {
  if (text.length > LONGEST_RECORD) return undefined;
  try {
    const record = JSON.parse(text) as Partial<ServerRecord>;
    const texts = [record.start, record.url, record.since, ...(Array.isArray(record.models) ? record.models : [undefined])];
    const isWhole = record.pid === pid && texts.every((value) => typeof value === 'string') && !Number.isNaN(Date.parse(record.since!));
    return isWhole ? (record as ServerRecord) : undefined;
  } catch {
    return undefined;
  }
}
