// Entry for Node: the public API on Node's platform.
import { createEngine } from '../api.ts';
import type { Engine as LoadedEngine } from '../api.ts';
import { nodePlatform } from '../platform/node.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = LoadedEngine;
export const Engine = createEngine(nodePlatform);
export * from '../api.ts';
export { openFile } from '../platform/node-file.ts';
