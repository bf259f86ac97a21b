// Entry for edge-light (Vercel's edge runtime): the public API on an edge host's platform, with kernels compiled at deployment.
import baseline from './kernels/baseline.wasm?module';
import { createEngine } from '../api.ts';
import type { Engine as LoadedEngine } from '../api.ts';
import { createEdgePlatform, precompiled } from '../platform/edge.ts';

/** A loaded model; see `Engine.load`. */
export type Engine = LoadedEngine;
export const Engine = createEngine(createEdgePlatform('edge-light', precompiled(baseline)));
export * from '../api.ts';
export { openFile } from '../platform/no-files.ts';
