// Entry for every other runtime: the public API on nothing but what web standards promise.
import { createEngine } from '../api.ts';
import type { Engine as LoadedEngine } from '../api.ts';
import { createEdgePlatform } from '../platform/edge.ts';
import { loadKernels } from '../platform/browser/kernels.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = LoadedEngine;
export const Engine = createEngine(createEdgePlatform('default', loadKernels));
export * from '../api.ts';
export { openFile } from '../platform/no-files.ts';
