// Samples to medians and ratios. A ratio above 1 always means that clawdbot is ahead.

export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One row per test and thread count, from `{ test, threads, side, value }` samples. */
export function summarize(samples, tests) {
  const rows = [];
  for (const threads of [...new Set(samples.map((sample) => sample.threads))]) {
    for (const { name, label, unit, higherIsBetter } of tests) {
      const here = samples.filter((sample) => sample.test === name && sample.threads === threads);
      const sides = {};
      for (const side of new Set(here.map((sample) => sample.side))) {
        const values = here.filter((sample) => sample.side === side).map((sample) => sample.value);
        sides[side] = { median: median(values), min: Math.min(...values), max: Math.max(...values), samples: values };
      }
      const ours = sides.clawdbot?.median;
      const ratios = {};
      for (const [side, { median: theirs }] of Object.entries(sides)) {
        if (side !== 'clawdbot' && ours) ratios[side] = higherIsBetter ? ours / theirs : theirs / ours;
      }
      if (here.length > 0) rows.push({ test: name, label, unit, higherIsBetter, threads, sides, ratios });
    }
  }
  return rows;
}
