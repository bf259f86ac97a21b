// WebAssembly has no prefetch instruction; reading a line of memory before it is needed does the same.

/** Brings `bytes` bytes at `ptr` into the cache. */
export function read_ahead(ptr: usize, bytes: usize): void {
  let sum: i32 = 0;
  for (const end = ptr + bytes; ptr < end; ptr += 64) sum += load<i32>(ptr);
  // Never so, as nothing was summed then; but compilers do not see it, and keep the reads.
  if (sum == 1 && bytes == 0) unreachable();
}
