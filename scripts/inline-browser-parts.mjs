// esbuild plugins for the browser's bundle: compiled kernels and the compute worker's script become text inside of it, so that
// no bundler has to know of them. (esbuild alone copies no file that code refers to by address.)
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** What turns `shared` into `unshared`: the bytes between `start` and `end` are replaced. */
function difference(shared, unshared) {
  const fits = (at) => at < Math.min(shared.length, unshared.length);
  let start = 0;
  while (fits(start) && shared[start] === unshared[start]) start++;
  let tail = 0;
  while (fits(start + tail) && shared.at(-1 - tail) === unshared.at(-1 - tail)) tail++;
  return { start, end: shared.length - tail, bytes: unshared.subarray(start, unshared.length - tail).toString('base64') };
}

async function inlinedKernels(folder, build) {
  const [shared, unshared] = await Promise.all([`${build}-shared`, build].map((name) => readFile(path.join(folder, `${name}.wasm`))));
  return { gzip: gzipSync(shared, { level: 9 }).toString('base64'), unshared: difference(shared, unshared) };
}

/** `inlined:kernels` and `inlined:worker`; `kernels` is the folder of compiled modules, `worker` the script. */
export function inlineBrowserParts({ kernels, worker }) {
  return {
    name: 'inline-browser-parts',
    setup(build) {
      build.onResolve({ filter: /^inlined:/ }, ({ path: name }) => ({ path: name, namespace: 'inlined' }));
      build.onLoad({ filter: /^inlined:kernels$/, namespace: 'inlined' }, async () => {
        const builds = await Promise.all(['baseline', 'relaxed'].map(async (name) =>
          `export const ${name} = ${JSON.stringify(await inlinedKernels(kernels, name))};`));
        return { contents: builds.join('\n'), loader: 'js' };
      });
      build.onLoad({ filter: /^inlined:worker$/, namespace: 'inlined' }, () =>
        ({ contents: `export default ${JSON.stringify(worker)};`, loader: 'js' }));
    },
  };
}
