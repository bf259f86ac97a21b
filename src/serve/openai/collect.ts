// A whole generation: what its chunks come to, choice by choice.
import { Gathered } from '../../engine/gathered.ts';
import type { GenerateChunk } from '../../engine/types.ts';

/** Each choice's whole, with its own timings. */
export async function collect(chunks: AsyncIterable<GenerateChunk>): Promise<Gathered[]> {
  const gathered: Gathered[] = [];
  for await (const chunk of chunks) (gathered[chunk.index] ??= new Gathered()).add(chunk);
  return gathered;
}
