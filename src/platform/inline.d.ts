// What scripts/build-inline.mjs writes.
declare module '#inline/kernels-*' {
  /** A module for shared memory as gzip in base64. */
  export const gzip: string;
  /** What differs in the same module for unshared memory. */
  export const unshared: { readonly start: number; readonly end: number; readonly bytes: string };
}
declare module '#inline/browser-worker' {
  const script: string;
  export default script;
}
declare module '#inline/node-worker' {
  const script: string;
  export default script;
}
