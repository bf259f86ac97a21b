// Interleaved layouts of the formats with super-blocks of 256.
import type { BlockLayout } from './layouts.ts';

export const K_LAYOUTS = {} as const satisfies Record<string, BlockLayout>;
