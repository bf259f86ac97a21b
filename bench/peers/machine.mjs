// What the figures were taken on: CPU, cores, Node, commit, load; and what a token of a model reads.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';

const FEATURES = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp', 'i8mm', 'sve'];

export function describeMachine(execPath) {
  const cpuinfo = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const flags = new Set((/^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? '').split(' '));
  const git = (...args) => execFileSync('git', args, { cwd: new URL('.', import.meta.url) }).toString().trim();
  return {
    cpu: os.cpus()[0].model.trim(),
    cores: os.cpus().length,
    features: FEATURES.filter((feature) => flags.has(feature)),
    memoryBytes: os.totalmem(),
    node: execFileSync(execPath, ['--version']).toString().trim(),
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', '../../src', '../../assembly') ? '+changes' : ''),
    loadAverage: os.loadavg()[0],
  };
}

/**
 * Weight bytes that one step of greedy decoding reads, or undefined where that depends on the token (experts). Of a head in Q8_0
 * these are, but for few rows, the upper halves of its quants and the scales.
 */
export function bytesPerToken(file) {
  if (file.tensors.some(({ name }) => name.includes('_exps'))) return undefined;
  const head = file.tensors.some(({ name }) => name === 'output.weight') ? 'output.weight' : 'token_embd.weight';
  const share = ({ name, type, shape }) => (name === head && type === 'Q8_0' && shape[1] % 64 === 0 ? 18 / 34 : 1);
  return file.tensors
    .filter(({ name }) => name === head || name !== 'token_embd.weight')
    .reduce((sum, tensor) => sum + share(tensor) * tensor.byteLength, 0);
}
