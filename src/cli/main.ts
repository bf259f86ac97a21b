#!/usr/bin/env node
// The `clawdbot` program: Node's streams and signals around runCli.
// By its own name, so that each runtime gets its entry.
import { Engine } from '@clawdbot/runtime';
import { runCli } from './cli.ts';
import { Interrupted } from './command.ts';

const controller = new AbortController();
const listeners: (() => void)[] = [];

/** The command that took over Ctrl-C decides; else the first one ends the command and the second the process. */
process.on('SIGINT', () => {
  const listener = listeners.at(-1);
  if (listener) return listener();
  if (controller.signal.aborted) process.exit(130);
  controller.abort(new Interrupted('interrupted with Ctrl-C'));
});

let outputFailed = false;
let outlivesReaders = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      // Whoever read our output has seen enough, as in `clawdbot list | head -1`.
      if (!outlivesReaders) process.exit(0);
      return;
    }
    // One write fails after the other then; and of errors on standard error nobody can be told.
    if (outputFailed) return;
    outputFailed = true;
    const reason = error.code === 'ENOSPC' ? 'the disk is full' : error.message;
    process.stderr.write(`error: Cannot write the output: ${reason}.\n`, () => process.exit(1));
  });
}

const exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: controller.signal,
  onInterrupt(listener) {
    listeners.push(listener);
    return () => listeners.splice(listeners.indexOf(listener), 1);
  },
  onTerminate(listener) {
    process.on('SIGTERM', listener);
    return () => process.off('SIGTERM', listener);
  },
  outliveReaders() {
    outlivesReaders = true;
  },
  loadEngine: (source, options) => Engine.load(source, options),
});

// What was written must be out before the process ends, and it ends even if a pipe on stdin stays open.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
);
process.exit(outputFailed ? 1 : exitCode);
