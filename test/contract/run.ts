// Runs the contract in the surroundings it is given and tells what came of each test.
import type { Engine } from '../../src/index.ts';
import type { ContractTest, Outcome, Scene, Surroundings } from './contract.ts';
import { generation } from './generation.ts';
import { loading } from './loading.ts';
import { state } from './state.ts';

export const CONTRACT: readonly ContractTest[] = [...loading, ...generation, ...state];

const LONGEST_TEST_MS = 60_000;

export async function runContract(surroundings: Surroundings): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const test of CONTRACT) {
    const { feature, name } = test;
    const reason = surroundings.lacks[feature];
    const startedAt = performance.now();
    const outcome = await runTest(reason === undefined ? test.run : test.lacking ?? unshown, surroundings);
    const isLacking = reason !== undefined && outcome.status === 'passed';
    outcomes.push({ feature, name, ...(isLacking ? { status: 'lacking', reason } : outcome), ms: Math.round(performance.now() - startedAt) });
  }
  return outcomes;
}

const unshown = (): Promise<never> => Promise.reject(new Error('Nothing shows that this is lacking.'));

async function runTest(run: (scene: Scene) => Promise<void>, surroundings: Surroundings): Promise<Pick<Outcome, 'status' | 'reason'>> {
  const engines: Engine[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${LONGEST_TEST_MS} ms`)), LONGEST_TEST_MS);
  });
  try {
    await Promise.race([tooLong, run({
      ...surroundings,
      async load(source, options) {
        const engine = await surroundings.api.Engine.load(source, { ...surroundings.loadOptions, ...options });
        engines.push(engine);
        return engine;
      },
    })]);
    return { status: 'passed' };
  } catch (error) {
    return { status: 'failed', reason: String((error as Error).stack ?? error) };
  } finally {
    clearTimeout(timer);
    await Promise.all(engines.map((engine) => engine.dispose()));
  }
}
