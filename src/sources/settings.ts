// What every source is given: where the cache is, what may be done, and whom to tell.
import os from 'node:os';
import path from 'node:path';
import type { Catalog } from './catalog.ts';
import type { Progress, ReportProgress } from './progress.ts';
import { throttled } from './progress.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ResolveOptions {
  /** Where models are kept; by default CLAWDBOT_CACHE, or the platform's cache folder. */
  readonly cacheDir?: string;
  /** Never touch the network (also CLAWDBOT_OFFLINE=1). */
  readonly offline?: boolean;
  /** Allow http: to other machines; bytes and tokens then travel unprotected. */
  readonly allowHttp?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Fetch models of the catalog that this version cannot run too. */
  readonly anyFormat?: boolean;
  /** Replaces the catalog that comes with the package. */
  readonly catalog?: Catalog;
  /** Replaces the process environment. */
  readonly env?: Environment;
  /** Attempts without any progress before giving up (5), and the first pause between them (500 ms). */
  readonly retry?: { readonly attempts?: number; readonly delayMs?: number };
  /** A connection that delivers nothing for this long counts as broken (60 s). */
  readonly stallMs?: number;
  /** Most bytes that an archive may unpack to (64 GiB). */
  readonly maxExtractedBytes?: number;
}

export interface Settings {
  readonly cacheDir: string;
  readonly offline: boolean;
  /** The caller said so, and not a variable. */
  readonly offlineByOption: boolean;
  readonly allowHttp: boolean;
  readonly signal: AbortSignal | undefined;
  readonly report: ReportProgress;
  readonly env: Environment;
  readonly attempts: number;
  readonly delayMs: number;
  readonly stallMs: number;
  readonly maxExtractedBytes: number;
}

export function settle(options: ResolveOptions): Settings {
  const env = options.env ?? process.env;
  return {
    cacheDir: path.resolve(options.cacheDir ?? defaultCacheDir(env)),
    offline: options.offline ?? isOn(env['CLAWDBOT_OFFLINE']),
    offlineByOption: options.offline === true,
    allowHttp: options.allowHttp ?? isOn(env['CLAWDBOT_ALLOW_HTTP']),
    signal: options.signal,
    report: throttled(options.onProgress),
    env,
    attempts: Math.max(1, options.retry?.attempts ?? 5),
    delayMs: options.retry?.delayMs ?? 500,
    stallMs: options.stallMs ?? 60_000,
    maxExtractedBytes: options.maxExtractedBytes ?? 64 * 2 ** 30,
  };
}

/** CLAWDBOT_CACHE, else `clawdbot` in the platform's cache folder. */
export function defaultCacheDir(env: Environment = process.env): string {
  if (env['CLAWDBOT_CACHE']) return expandHome(env['CLAWDBOT_CACHE'], env);
  if (env['XDG_CACHE_HOME']) return path.join(env['XDG_CACHE_HOME'], 'clawdbot');
  if (process.platform === 'darwin') return path.join(homeDir(env), 'Library', 'Caches', 'clawdbot');
  if (process.platform === 'win32' && env['LOCALAPPDATA']) return path.join(env['LOCALAPPDATA'], 'clawdbot', 'Cache');
  return path.join(homeDir(env), '.cache', 'clawdbot');
}

export function homeDir(env: Environment): string {
  return env['HOME'] || os.homedir();
}

export function expandHome(given: string, env: Environment): string {
  return given === '~' || /^~[\\/]/.test(given) ? path.join(homeDir(env), given.slice(1)) : given;
}

/** What allows downloads again: the middle of a sentence. */
export function goOnline({ offlineByOption }: Settings): string {
  return offlineByOption ? 'leave out the option "offline" (--offline)' : 'unset CLAWDBOT_OFFLINE';
}

/** How variables such as HF_HUB_OFFLINE say yes. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|true|yes|on)$/i.test(value);
}
