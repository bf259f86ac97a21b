// An empty folder into which the packed package was installed, as a new user would have it.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
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
  const { dependencies } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const folders = [['@clawdbot/runtime', '.'], ...Object.keys(dependencies).map((name) => [name, `node_modules/${name}`])] as const;
  for (const [name, folder] of folders as readonly (readonly [string, string])[]) {
    const target = path.join(packs, name);
    mkdirSync(target, { recursive: true });
    await run('npm', ['pack', inRepository(folder), '--ignore-scripts', '--pack-destination', target], { cwd: dir });
    tarballs[name] = path.join(target, readdirSync(target)[0]!);
  }
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...Object.values(tarballs)], { cwd: dir });
  return { dir, tarballs, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
