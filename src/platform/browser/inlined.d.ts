// What the build puts into the browser's bundle (scripts/inline-browser-parts.mjs).
declare module 'inlined:kernels' {
  /** A module for shared memory as gzip in base64, and what differs in the same module for unshared memory. */
  interface Inlined {
    readonly gzip: string;
    readonly unshared: { readonly start: number; readonly end: number; readonly bytes: string };
  }
  export const baseline: Inlined;
  export const relaxed: Inlined;
}
declare module 'inlined:worker' {
  /** The script of browser-worker.js. */
  const script: string;
  export default script;
}
