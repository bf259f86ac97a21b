// Deno's platform: Node's modules, but nothing that is not granted already is asked for.
import os from 'node:os';
import { usableMemory } from './node-machine.ts';
import { createNodeLikePlatform } from './node-like.ts';

/** The part of Deno's namespace that is used. */
declare const Deno: { readonly permissions: { querySync(wanted: { name: 'sys'; kind: string }): { readonly state: string } } };

export const denoPlatform = createNodeLikePlatform({
  name: 'deno',
  // Which of them share a core is written below /sys, which Deno opens to --allow-all only.
  numCores: () => os.availableParallelism(),
  /** Without the permission to know it, memory is what the machine gives. */
  memoryLimit: () =>
    (Deno.permissions.querySync({ name: 'sys', kind: 'systemMemoryInfo' }).state === 'granted' ? usableMemory() : Infinity),
});
