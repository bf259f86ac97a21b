// The runtimes that run server-side programs: where their binaries are, and how a program is started in each.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inRepository } from '../support/fixtures.ts';

export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** The command line that runs `program`; Deno gets the permissions, nobody else has any. */
  command(program: string, permissions: readonly string[]): { readonly file: string; readonly args: readonly string[] };
}

const binary = (file: string): string => inRepository('test/runtimes/node_modules', file);

const node = (name: string, file: string): readonly [string, string, Runtime['command']] =>
  [name, file, (program) => ({ file, args: [program] })];
const DENO = binary('@deno/linux-x64-glibc/deno');
const BUN = binary('@oven/bun-linux-x64/bin/bun');

const KNOWN: readonly (readonly [name: string, file: string, command: Runtime['command']])[] = [
  node('Node 20', binary('node-20/bin/node')),
  node('Node 22', binary('node-22/bin/node')),
  node('Node 26', binary('node-26/bin/node')),
  ['Deno 2.9', DENO, (program, permissions) => ({ file: DENO, args: ['run', '--no-prompt', ...permissions, program] })],
  ['Bun 1.4', BUN, (program) => ({ file: BUN, args: [program] })],
];

const versionOf = (file: string): string => /\d+\.\d+\.\d+/.exec(execFileSync(file, ['--version'], { encoding: 'utf8' }))![0];

/** Those that are installed (`npm ci --prefix test/runtimes --ignore-scripts`), and the names of those that are not. */
export const RUNTIMES: readonly Runtime[] =
  KNOWN.filter(([, file]) => existsSync(file)).map(([name, file, command]) => ({ name, version: versionOf(file), command }));
export const MISSING_RUNTIMES: readonly string[] = KNOWN.filter(([, file]) => !existsSync(file)).map(([name]) => name);
/** The runtime that runs the tests: the one that every clone has. */
export const OWN_RUNTIME: Runtime =
  { name: `Node ${process.versions.node.split('.')[0]}`, version: process.versions.node, command: (program) => ({ file: process.execPath, args: [program] }) };
