// A new user's project: an empty folder with the packed package and the sources of an app, and what the app must answer.
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRepository } from '../support/fixtures.ts';
import { installPacked } from '../runtimes/installed.ts';
import { run } from './tools.ts';

export const MODEL = inRepository('test/data/arch/q-llama-q4_0.gguf');
export const PROMPT = 'Hello';

export interface Answer {
  readonly text: string;
  readonly threads: number;
}

export interface Project {
  readonly dir: string;
  /** What the unbundled program says in the Node that runs the tests. */
  readonly expected: string;
  /** A new folder outside of the project: what is moved there finds nothing beside it. */
  elsewhere(): string;
  remove(): void;
}

export async function createProject(): Promise<Project> {
  const { dir, remove } = await installPacked();
  cpSync(inRepository('test/apps/sources'), dir, { recursive: true });
  const { text } = JSON.parse(await run([process.execPath, ['node.js', MODEL, PROMPT]], dir)) as Answer;
  const folders: string[] = [];
  return {
    dir,
    expected: text,
    elsewhere() {
      folders.push(realpathSync(mkdtempSync(path.join(os.tmpdir(), 'clawdbot-app-'))));
      return folders.at(-1)!;
    },
    remove() {
      remove();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}
