// A side of the comparison as its measurer sees it: a child process that is asked one thing at a time.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = (name) => fileURLToPath(new URL(name, import.meta.url));

export class SideProcess {
  #child;

  constructor(name, execPath) {
    this.#child = fork(script('child.mjs'), [name], { execPath, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr.setEncoding('utf8');
    this.stderr = '';
    this.#child.stderr.on('data', (text) => (this.stderr = (this.stderr + text).slice(-2000)));
  }

  static async start(name, execPath) {
    const side = new SideProcess(name, execPath);
    await side.#answer();
    return side;
  }

  call(call, argument) {
    this.#child.send({ call, argument });
    return this.#answer();
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.send({ call: 'close' });
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(kill);
  }

  #answer() {
    return new Promise((resolve, reject) => {
      const settle = (finish) => (value) => {
        this.#child.off('message', onMessage).off('exit', onExit);
        finish(value);
      };
      const onMessage = settle(({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))));
      const onExit = settle((code) => reject(new Error(`its process ended with ${code}: ${this.stderr.trim()}`)));
      this.#child.on('message', onMessage).on('exit', onExit);
    });
  }
}

/** Milliseconds from spawning a fresh process to its first token. */
export async function coldProcess(name, execPath, options) {
  const startedAt = performance.now();
  const child = spawn(execPath, [script('cold.mjs'), name, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-2000)));
  const ended = once(child, 'exit');
  const ms = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => text.includes('token') && resolve(performance.now() - startedAt));
    child.on('exit', (code) => reject(new Error(`the cold process ended with ${code}: ${stderr.trim()}`)));
  });
  child.kill('SIGKILL');
  await ended;
  return { ms };
}
