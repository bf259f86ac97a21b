// What the choice of the `dot` kernels rests on: the probe agrees with the engine, and never chooses kernels that compute wrong.
import { describe, expect, it } from 'vitest';
import { hasIntegerDot } from '../../src/backends/wasm/integer-dot.ts';
import { chooseKernels } from '../../src/backends/wasm/load-kernels.ts';
import { selfTest } from '../../src/backends/wasm/self-test.ts';
import { nodePlatform } from '../../src/platform/node.ts';
import { openKernels } from '../kernels/kernel-memory.ts';

describe('the dot kernels', () => {
  it('are never chosen where they compute wrong', () => {
    if (hasIntegerDot()) expect(selfTest(openKernels('dot', 2))).toBe(true);
  });

  it.runIf(process.versions.node.startsWith('20.'))('are not chosen in Node 20, which gets their instruction wrong', async () => {
    expect(selfTest(openKernels('dot', 2))).toBe(false);
    expect(hasIntegerDot()).toBe(false);
    expect((await chooseKernels(nodePlatform, { shared: false, deterministic: false })).build).toBe('relaxed');
  });

  it('are asked for first where the engine has the instruction, and the next build is taken if they are missing', async () => {
    const asked: string[] = [];
    const source = {
      loadKernels: async (build: Parameters<typeof nodePlatform.loadKernels>[0]) => {
        asked.push(build);
        if (build !== 'baseline') throw new WebAssembly.CompileError('not here');
        return nodePlatform.loadKernels(build);
      },
    };
    expect((await chooseKernels(source, { shared: false, deterministic: false })).build).toBe('baseline');
    expect(asked).toEqual(hasIntegerDot() ? ['dot', 'relaxed', 'baseline'] : ['relaxed', 'baseline']);
  });
});
