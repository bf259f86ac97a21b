// The files of a Hugging Face repository's model with their sizes and hashes, as the hub's own list says.
import { ModelSourceError } from '../../errors.ts';
import { chooseFiles, partPaths } from '../hub/choose-files.ts';
import { isPlainPath } from '../reference.ts';
import type { HubReference } from '../reference.ts';
import type { RemoteFile } from './locate.ts';
import { requestJson } from './request.ts';
import type { BrowserSettings } from './settings.ts';

const HUB = 'https://huggingface.co/';

interface TreeEntry {
  readonly path?: unknown;
  readonly size?: unknown;
  /** Of files in large file storage, as model files are. */
  readonly lfs?: { readonly oid?: unknown; readonly size?: unknown };
}

export async function hubFiles({ repo, revision, file, quant }: HubReference, settings: BrowserSettings): Promise<readonly RemoteFile[]> {
  const folder = file?.includes('/') ? `/${file.slice(0, file.lastIndexOf('/')).split('/').map(encodeURIComponent).join('/')}` : '';
  const url = new URL(`api/models/${repo}/tree/${encodeURIComponent(revision)}${folder}${file === undefined ? '?recursive=true' : ''}`, HUB);
  const list = await requestJson(url, settings);
  const entries = new Map((Array.isArray(list) ? list as TreeEntry[] : [])
    .filter((entry) => typeof entry?.path === 'string' && isPlainPath(entry.path)).map((entry) => [entry.path as string, entry]));
  const names = file !== undefined ? partPaths(file) : chooseFiles(repo, [...entries.keys()], quant);
  const missing = names.find((name) => !entries.has(name));
  if (missing !== undefined) throw new ModelSourceError(`The repository ${repo} has no file ${missing} at ${revision}.`);
  return names.map((name) => {
    const { size, lfs } = entries.get(name)!;
    const oid = typeof lfs?.oid === 'string' && /^[0-9a-f]{64}$/.test(lfs.oid) ? lfs.oid : undefined;
    const sizeBytes = lfs?.size ?? size;
    const path = name.split('/').map(encodeURIComponent).join('/');
    return {
      name: name.slice(name.lastIndexOf('/') + 1),
      url: new URL(`${repo}/resolve/${encodeURIComponent(revision)}/${path}`, HUB),
      expected: { ...(oid && { sha256: oid }), ...(Number.isSafeInteger(sizeBytes) && { sizeBytes: sizeBytes as number }) },
    };
  });
}
