// Runs the built program as users do: a process of its own, with what it printed and how it ended.
import { spawn } from 'node:child_process';
import { inRepository } from '../support/fixtures.ts';

export const PROGRAM = inRepository('dist/cli.js');

export interface ProgramRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramSettings {
  readonly input?: string | Uint8Array;
  readonly env?: Record<string, string | undefined>;
  /** Sends Ctrl-C once standard output or error has this. */
  readonly interruptAfter?: RegExp;
  /** Closes the reading end of standard output at once. */
  readonly closeOutput?: boolean;
}

export function program(args: readonly string[], settings: ProgramSettings = {}): Promise<ProgramRun> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, ...settings.env } });
  let [stdout, stderr] = ['', ''];
  let interrupted = false;
  const watch = (): void => {
    if (!settings.interruptAfter || interrupted || !settings.interruptAfter.test(stdout + stderr)) return;
    interrupted = true;
    child.kill('SIGINT');
  };
  if (settings.closeOutput) child.stdout.destroy();
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); watch(); });
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); watch(); });
  // A program that ends before it read its input is no failure of the test.
  child.stdin.on('error', () => undefined);
  if (settings.input === undefined) child.stdin.end();
  else child.stdin.end(settings.input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
