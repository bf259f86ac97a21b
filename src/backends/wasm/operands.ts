// How the operations see their operands: strides in bytes, addresses, and what takes part in hazards.
import type { Activation, Vector } from '../tensors.ts';

/** From one row to the next. */
export const bytes = (x: Activation): number => 4 * x.stride;
export const ptrOf = (vector: Vector | undefined): number => vector?.ptr ?? 0;
/** Index vectors and caches take part in hazards as matrices of one row. */
export const asMatrix = (x: { ptr: number }): Activation => ({ ptr: x.ptr, rows: 1, cols: 1, stride: 1, allocation: x.ptr });
