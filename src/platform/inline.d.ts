// What scripts/build-inline.mjs writes.
declare module '#inline/kernels' {
  /** A module for shared memory as gzip in base64, and what differs in the same module for unshared memory. */
  interface Inlined {
    readonly gzip: string;
    readonly unshared: { readonly start: number; readonly end: number; readonly bytes: string };
  }
  export const baseline: Inlined;
  export const relaxed: Inlined;
}
declare module '#inline/browser-worker' {
  const script: string;
  export default script;
}
declare module '#inline/node-worker' {
  const script: string;
  export default script;
}
