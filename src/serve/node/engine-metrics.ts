// The figures of each loaded engine for Prometheus: what it holds as gauges, what it has done as counters.
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { EngineStats } from '../../engine/engine-stats.ts';
import type { ModelPool } from '../model-pool.ts';

interface Figure {
  readonly help: string;
  /** Labels beside `model`, each with its value's own figure. */
  readonly by?: string;
  read(stats: EngineStats): number | readonly (readonly [label: string, value: number])[];
}

const GAUGES: Readonly<Record<string, Figure>> = {
  clawdbot_sequences_running: { help: 'Sequences in work', read: (stats) => stats.runningSequences },
  clawdbot_sequences_max: { help: 'Sequences that can be in work at once', read: (stats) => stats.maxSequences },
  clawdbot_sequences_waiting: { help: 'Engine requests that wait for a place or for blocks', read: (stats) => stats.waitingRequests },
  clawdbot_kv_blocks: {
    help: 'Key/value blocks: held by sequences, remembered though nobody holds them, and free', by: 'state',
    read: ({ kvBlocks: { used, cached, total } }) => [['used', used], ['cached', cached], ['free', total - used - cached]],
  },
};

const COUNTERS: Readonly<Record<string, Figure>> = {
  clawdbot_sequences_total: { help: 'Sequences begun', read: (stats) => stats.numSequences },
  clawdbot_prefix_hits_total: { help: 'Sequences that found their beginning in the prefix cache', read: (stats) => stats.numPrefixHits },
  clawdbot_tokens_total: {
    help: 'Tokens: prefilled, spared by the prefix cache, decoded, drafted, accepted of the drafted', by: 'kind',
    read: (stats) => [
      ['prefilled', stats.numPrefilledTokens], ['cached', stats.numCachedTokens], ['decoded', stats.numDecodedTokens],
      ['drafted', stats.numDraftTokens], ['accepted', stats.numAcceptedDraftTokens],
    ],
  },
  clawdbot_passes_total: {
    help: 'Forward passes, by the sequences they had: up to so many, and more than the next smaller label', by: 'sequences',
    read: ({ passesBySequences }) => passesBySequences.map(({ sequences, numPasses }) => [String(sequences), numPasses]),
  },
};

/** Registers them; models that are not loaded have none. */
export function engineMetrics(registry: Registry, pool: ModelPool): void {
  const each = (figure: Figure, set: (labels: Record<string, string>, value: number) => void): void => {
    for (const { id, engine } of pool.list()) {
      if (!engine) continue;
      const found = figure.read(engine.stats);
      if (typeof found === 'number') set({ model: id }, found);
      else for (const [label, value] of found) set({ model: id, [figure.by!]: label }, value);
    }
  };
  const looks = (name: string, { help, by }: Figure) =>
    ({ name, help, labelNames: ['model', ...(by ? [by] : [])], registers: [registry] });
  for (const [name, figure] of Object.entries(GAUGES)) {
    const gauge: Gauge = new Gauge({
      ...looks(name, figure),
      collect() {
        gauge.reset();
        each(figure, (labels, value) => gauge.set(labels, value));
      },
    });
  }
  for (const [name, figure] of Object.entries(COUNTERS)) {
    // The engine counts; a model that is loaded anew begins at 0, which Prometheus expects of counters.
    const counter: Counter = new Counter({
      ...looks(name, figure),
      collect() {
        counter.reset();
        each(figure, (labels, value) => counter.inc(labels, value));
      },
    });
  }
}
