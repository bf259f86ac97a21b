// Entry for Deno: the public API on Deno's platform.
import { createEngine } from '../api.ts';
import type { Engine as LoadedEngine } from '../api.ts';
import { denoPlatform } from '../platform/deno.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = LoadedEngine;
export const Engine = createEngine(denoPlatform);
export * from '../api.ts';
export { openFile } from '../platform/node-file.ts';
