// The kernels that a browser's bundle carries, unpacked by web standards alone.
import { UnsupportedModelError } from '../../errors.ts';
import { inlineKernels } from '../inline-kernels.ts';
import type { KernelBuild } from '../platform.ts';

/** Rejects with WebAssembly.CompileError where this browser has not what the build needs. */
export async function loadKernels(build: KernelBuild): Promise<WebAssembly.Module> {
  const bytes = await inlineKernels(build, unzipped);
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw forbidden(error) ?? error;
  }
}

/** A content security policy's refusal, which comes as a CompileError too: falling back to other kernels would not help. */
function forbidden(error: unknown): Error | undefined {
  if (!/unsafe-eval|content security policy/i.test((error as Error).message)) return undefined;
  return new UnsupportedModelError(
    "This page's content security policy forbids WebAssembly. Add 'wasm-unsafe-eval' to its script-src.", { cause: error },
  );
}

async function unzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof DecompressionStream === 'undefined') {
    throw new UnsupportedModelError('This browser is too old: it has no DecompressionStream. Use Chrome 91, Firefox 113, Safari 16.4 or newer.');
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
