// Edge hosts for the examples: bundles as their tools make them, and the packages that run them, where they are installed.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as esbuild from 'esbuild';
import { inRepository } from '../support/fixtures.ts';

const require = createRequire(inRepository('test/edge/package.json'));

/** Whether `npm ci` was run in test/edge: its packages bring binaries, so they are not among ours. */
export const HAS_HOSTS = existsSync(inRepository('test/edge/node_modules/miniflare'));

export const hostPackage = <T>(name: string): T => require(name) as T;

/** One file of an example and all it imports but the kernels, which hosts take as modules of their own. */
export const bundleExample = (entry: string, conditions: readonly string[]): Promise<string> =>
  bundled({ entryPoints: [inRepository('examples', entry)] }, conditions);

/** The same of a program's text. */
export const bundleText = (contents: string, conditions: readonly string[]): Promise<string> =>
  bundled({ stdin: { contents, resolveDir: inRepository('examples') } }, conditions);

async function bundled(program: Pick<esbuild.BuildOptions, 'entryPoints' | 'stdin'>, conditions: readonly string[]): Promise<string> {
  const { outputFiles } = await esbuild.build({
    ...program, bundle: true, minify: true, format: 'esm', target: 'es2022', write: false,
    // Users have no such settings: ours would take the package from its sources.
    tsconfigRaw: '{}',
    // What examples/package.json has installed is this package here.
    absWorkingDir: inRepository('.'), alias: { '@clawdbot/runtime': '@clawdbot/runtime' },
    conditions: [...conditions], external: ['./kernels/*'],
  });
  return outputFiles![0]!.text;
}

export const baselineKernels = (): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(inRepository('dist/kernels/baseline.wasm')));
export const tinyModel = (): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(inRepository('test/data/arch/q-llama-q4_0.gguf')));
