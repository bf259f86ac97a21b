// From when each token came to the times that a side reports.

/** `arrivals` and `startedAt` by performance.now(); throws where not all of `newTokens` came. */
export function timesOf(arrivals, startedAt, newTokens) {
  if (arrivals.length !== newTokens) throw new Error(`${arrivals.length} of ${newTokens} tokens came`);
  return {
    prefillMs: arrivals[0] - startedAt,
    decodeMs: arrivals.at(-1) - arrivals[0],
    evaluations: newTokens - 1,
  };
}
