// Entry for browsers: the public API on the browser's platform.
import { createEngine } from '../api.ts';
import type { Engine as LoadedEngine } from '../api.ts';
import { browserPlatform } from '../platform/browser/platform.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = LoadedEngine;
export const Engine = createEngine(browserPlatform);
export * from '../api.ts';
export { openFile } from '../platform/no-files.ts';
