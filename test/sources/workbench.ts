// What source tests share: temporary folders, bytes that look like a model, hashes, a catalog of one.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Catalog } from '../../src/sources/catalog.ts';

const folders: string[] = [];

// Here and not in temporaryDir: vitest takes a hook only while it collects, and ignores one that a test adds.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the test file. */
export function temporaryDir(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'clawdbot-test-'));
  folders.push(dir);
  return dir;
}

/** Begins like a GGUF file; the rest is noise that depends on `seed`. */
export function modelBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  bytes.set(new TextEncoder().encode('GGUF'));
  return bytes;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Compares by hash: a deep comparison of long arrays takes seconds. */
export function expectSame(file: string, bytes: Uint8Array): void {
  expect(sha256(readFileSync(file))).toBe(sha256(bytes));
}

export function catalogOf(source: string | string[], bytes: Uint8Array, name = 'tiny'): Catalog {
  return {
    models: [{
      name, description: 'for tests', format: 'gguf', licence: 'MIT', fileName: 'tiny.gguf', sha256: sha256(bytes),
      sizeBytes: bytes.length, sources: [source].flat(),
    }],
  };
}

/** Every file below `dir`, relative, with its size. */
export function filesBelow(dir: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const full = path.join(entry.parentPath ?? entry.path, entry.name);
    found[path.relative(dir, full)] = statSync(full).size;
  }
  return found;
}

/** Quick retries, so that failing takes no time. */
export const quick = { retry: { attempts: 3, delayMs: 5 } };
