// The compiled kernels that a browser's bundle carries as text: no address needs to be known, whatever a bundler does with files.
import { UnsupportedModelError } from '../../errors.ts';
import type { KernelBuild } from '../platform.ts';

/** Rejects with WebAssembly.CompileError where this browser has not what the build needs. */
export async function loadKernels(build: KernelBuild): Promise<WebAssembly.Module> {
  const inlined = await import('inlined:kernels');
  const { gzip, unshared } = inlined[build.startsWith('relaxed') ? 'relaxed' : 'baseline'];
  const shared = await unzipped(bytesFrom(gzip));
  const bytes = build.endsWith('-shared') ? shared : spliced(shared, unshared.start, unshared.end, bytesFrom(unshared.bytes));
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

function bytesFrom(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function unzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof DecompressionStream === 'undefined') {
    throw new UnsupportedModelError('This browser is too old: it has no DecompressionStream. Use Chrome 91, Firefox 113, Safari 16.4 or newer.');
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function spliced(bytes: Uint8Array, start: number, end: number, between: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length - (end - start) + between.length);
  result.set(bytes.subarray(0, start));
  result.set(between, start);
  result.set(bytes.subarray(end), start + between.length);
  return result;
}
