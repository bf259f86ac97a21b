// The bundlers and runtimes of the apps: where they are, and the command lines that docs/bundlers.md names.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { inRepository } from '../support/fixtures.ts';

const DOCUMENTED = readFileSync(inRepository('docs/bundlers.md'), 'utf8');
const tool = (file: string): string => inRepository('test/apps/node_modules', file);

/** A command by the name it has on a command line: the program, and what comes before its arguments. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  esbuild: [process.execPath, tool('esbuild/bin/esbuild')],
  vite: [process.execPath, tool('vite/bin/vite.js')],
  webpack: [process.execPath, tool('webpack/bin/webpack.js')],
  rollup: [process.execPath, tool('rollup/dist/bin/rollup')],
  next: [process.execPath, tool('next/dist/bin/next')],
  bun: [tool('@oven/bun-linux-x64/bin/bun')],
  deno: [tool('@deno/linux-x64-glibc/deno')],
  node: [tool('node-26/bin/node')],
};

export const has = (name: string): boolean => TOOLS[name]!.every((file) => existsSync(file));

/** The program and its arguments for a command line as the documentation has it, `NODE_ENV=…`-like settings not included. */
export function documented(line: string): readonly [file: string, args: readonly string[]] {
  if (!DOCUMENTED.split('\n').some((written) => written.startsWith(line))) throw new Error(`docs/bundlers.md does not say "${line}"`);
  return command(line);
}

/** The same for a line that is only a test's. */
export function command(line: string): readonly [file: string, args: readonly string[]] {
  const [name, ...rest] = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
  const [file, ...before] = TOOLS[name!] ?? [name!];
  return [file!, [...before, ...rest]];
}

/** Standard output of a command, in `cwd`; its errors have what it said. */
export async function run([file, args]: readonly [string, readonly string[]], cwd: string): Promise<string> {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', NODE_ENV: undefined, VITEST: undefined };
  try {
    return (await promisify(execFile)(file, args, { cwd, env, timeout: 200_000, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout: string; stderr: string };
    throw new Error(`${message}\n${stdout}\n${stderr}`, { cause: error });
  }
}
