// An empty folder into which the packed package was installed, as a new user would have it.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../support/fixtures.ts';

const run = promisify(execFile);

export interface Installed {
  readonly dir: string;
  /** Tarballs by package: ours and what it depends on. */
  readonly tarballs: Readonly<Record<string, string>>;
  remove(): void;
}

/** Installs the tarball without a network: its dependencies are packed from the clone's own. */
export async function installPacked(): Promise<Installed> {
  const dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'clawdbot-installed-')));
  const packs = path.join(dir, 'packs');
  writeFileSync(path.join(dir, 'package.json'), '{ "private": true, "type": "module" }\n');
  const tarballs: Record<string, string> = {};
  const { packages } = JSON.parse(readFileSync(inRepository('package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; peer?: boolean; devOptional?: boolean }>;
  };
  // Whatever the dependencies depend on included.
  const needed = Object.entries(packages)
    .filter(([folder, { dev, optional, peer, devOptional }]) => folder && !dev && !optional && !peer && !devOptional)
    .map(([folder]) => [folder.replace(/^.*node_modules\//, ''), folder] as const);
  const folders = [['@clawdbot/runtime', '.'], ...needed] as const;
  mkdirSync(packs);
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', packs, ...folders.map(([, folder]) => inRepository(folder))];
  const { stdout } = await run('npm', pack, { cwd: dir, maxBuffer: 2 ** 26 });
  const packed = JSON.parse(stdout) as { name: string; filename: string }[];
  for (const { name, filename } of packed) tarballs[name] = path.join(packs, filename);
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...Object.values(tarballs)], { cwd: dir });
  return { dir, tarballs, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
