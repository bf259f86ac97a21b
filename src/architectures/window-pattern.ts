// Which layers of a model see only a sliding window: groups of `pattern` layers whose last one sees everything.
import type { ModelConfig } from './config.ts';
import { CONFIG_LIMITS } from './config-reader.ts';
import type { ConfigReader } from './config-reader.ts';

/** One flag per layer, or the length of a group (0: no layer has a window). */
export function readWindowPattern(reader: ConfigReader, otherwise: number): number | readonly boolean[] {
  const key = 'attention.sliding_window_pattern';
  if (!reader.isArray(key)) return reader.count(key, { min: 0, max: CONFIG_LIMITS.layers, otherwise });
  return reader.flags(key, reader.count('block_count', { max: CONFIG_LIMITS.layers }));
}

/** Whether layer `index` sees a window only, by `extra.windowPattern`. */
export function isWindowLayer({ slidingWindow, extra }: ModelConfig, index: number): boolean {
  if (slidingWindow === undefined) return false;
  const pattern = extra.windowPattern as number | readonly boolean[];
  return typeof pattern === 'number' ? pattern > 0 && index % pattern < pattern - 1 : pattern[index];
}
