// One thread's hold on a kernel module: its exports, and the linear memory they work on.

/** Addresses and sizes in, addresses past 2 GiB included: WebAssembly takes them modulo 2^32. */
export type KernelExports = Readonly<Record<string, (...args: number[]) => number>>;

export interface Kernels {
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;
}

/** Instantiates a compiled kernel module on `memory`, whose fixed tables `writeTables` has written or will write. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return { exports: instance.exports as unknown as KernelExports, memory };
}
