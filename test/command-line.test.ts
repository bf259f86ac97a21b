// Scripts of bench/ and scripts/: --help prints what they begin with, and an option that there is not is one line.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inRepository } from './support/fixtures.ts';

const run = (script: string, ...args: string[]) => spawnSync(process.execPath, [inRepository(script), ...args], { encoding: 'utf8' });
/** What can be called by itself: the rest are modules, and one whose bytes decide whether kernels are compiled anew. */
const scripts = ['bench', 'scripts'].flatMap((folder) => readdirSync(inRepository(folder)).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith('.mjs') && /parseArgs\(/.test(readFileSync(inRepository(name), 'utf8')) && !name.endsWith('command-line.mjs'));

describe('scripts', () => {
  it('are found', () => {
    expect(scripts).toEqual(expect.arrayContaining(['bench/kernels.mjs', 'bench/grammar.mjs', 'scripts/build.mjs', 'scripts/logits-hash.mjs']));
  });

  it.each(scripts)('%s tells with --help what it does', (script) => {
    const { status, stdout, stderr } = run(script, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [first] = readFileSync(inRepository(script), 'utf8').replace(/^#!.*\n/, '').split('\n');
    expect(stdout.split('\n')[0]).toBe(first!.slice(3));
  });

  it('say in one line that there is no such option', () => {
    const { status, stdout, stderr } = run('bench/kernels.mjs', '--nonsense');
    expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: '', stderr: "Unknown option '--nonsense'. --help shows what there is.\n" });
  });
});
