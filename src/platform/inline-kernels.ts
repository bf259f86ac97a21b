// The compiled kernels that every bundle carries as text: no address needs to be known, whatever a bundler does with files.
import type { KernelBuild } from './platform.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Each is a part of the bundle that is loaded when it is needed. */
const BUILDS = {
  baseline: () => import('#inline/kernels-baseline'),
  relaxed: () => import('#inline/kernels-relaxed'),
  dot: () => import('#inline/kernels-dot'),
};

/** The WebAssembly module of a build; `unzip` undoes gzip. */
export async function inlineKernels(build: KernelBuild, unzip: (bytes: Bytes) => Bytes | Promise<Bytes>): Promise<Bytes> {
  const { gzip, unshared } = await BUILDS[build.replace('-shared', '') as keyof typeof BUILDS]();
  const shared = await unzip(bytesFrom(gzip));
  return build.endsWith('-shared') ? shared : spliced(shared, unshared.start, unshared.end, bytesFrom(unshared.bytes));
}

function bytesFrom(base64: string): Bytes {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function spliced(bytes: Bytes, start: number, end: number, between: Bytes): Bytes {
  const result = new Uint8Array(bytes.length - (end - start) + between.length);
  result.set(bytes.subarray(0, start));
  result.set(between, start);
  result.set(bytes.subarray(end), start + between.length);
  return result;
}
