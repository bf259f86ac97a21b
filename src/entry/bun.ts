// Entry for Bun: the public API on Bun's platform.
import { createEngine } from '../api.ts';
import type { Engine as LoadedEngine } from '../api.ts';
import { bunPlatform } from '../platform/bun.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = LoadedEngine;
export const Engine = createEngine(bunPlatform);
export * from '../api.ts';
export { openFile } from '../platform/node-file.ts';
