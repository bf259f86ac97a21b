// Figures for Prometheus at /metrics: requests and their time, what the engines do, and the process, by prom-client.
import type { Hono } from 'hono';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { engineMetrics } from './engine-metrics.ts';
import type { ServedRequest } from '../handler.ts';
import type { ModelPool } from '../model-pool.ts';

const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];

export interface NodeMetrics {
  observe(request: ServedRequest): void;
  extend(app: Hono): void;
}

/** `paths` are the labels that a path may become; what else is asked for counts as "other". */
export function nodeMetrics(paths: readonly string[], pool: ModelPool, numActive: () => number): NodeMetrics {
  const registry = new Registry();
  const known = new Set(paths);
  collectDefaultMetrics({ register: registry });
  engineMetrics(registry, pool);
  const requests = new Counter({
    name: 'clawdbot_requests_total', help: 'Answered requests', labelNames: ['path', 'status'], registers: [registry],
  });
  const broken = new Counter({
    name: 'clawdbot_broken_streams_total', help: 'Streams that failed after they had begun', labelNames: ['path'], registers: [registry],
  });
  const labelOf = (path: string): string => (known.has(path) ? path : 'other');
  const seconds = new Histogram({
    name: 'clawdbot_request_seconds', help: 'Time until the answer begins', labelNames: ['path'], buckets: SECONDS,
    registers: [registry],
  });
  const active: Gauge = new Gauge({
    name: 'clawdbot_requests_active', help: 'Requests that run or wait', registers: [registry],
    collect: (): void => active.set(numActive()),
  });
  return {
    observe({ path, status, beganMs, isStream, error }) {
      const label = labelOf(path);
      requests.inc({ path: label, status: String(status) });
      seconds.observe({ path: label }, beganMs / 1000);
      if (isStream && error !== undefined) broken.inc({ path: label });
    },
    extend(app) {
      app.get('/metrics', async (context) => context.body(await registry.metrics(), 200, { 'content-type': registry.contentType }));
    },
  };
}
