// Chooses a kernel build: relaxed SIMD where the engine has it and computes it right, the baseline otherwise.
import type { KernelBuild } from '../../platform/platform.ts';
import { instantiateKernels } from './kernels.ts';
import { selfTest } from './self-test.ts';

export interface KernelSource {
  loadKernels(build: KernelBuild): Promise<WebAssembly.Module>;
}

export interface ChosenKernels {
  readonly build: 'baseline' | 'relaxed';
  readonly module: WebAssembly.Module;
}

/** `deterministic` insists on the baseline, whose results are the same bits everywhere. */
export async function chooseKernels(
  source: KernelSource, options: { readonly shared: boolean; readonly deterministic: boolean },
): Promise<ChosenKernels> {
  const load = (build: 'baseline' | 'relaxed'): Promise<WebAssembly.Module> =>
    source.loadKernels(options.shared ? `${build}-shared` : build);
  if (!options.deterministic) {
    const module = await load('relaxed').catch((error: unknown) => {
      // An engine without relaxed SIMD cannot compile that build; anything else is a real failure.
      if (error instanceof WebAssembly.CompileError) return undefined;
      throw error;
    });
    if (module && computesRight(module, options.shared)) return { build: 'relaxed', module };
  }
  return { build: 'baseline', module: await load('baseline') };
}

function computesRight(module: WebAssembly.Module, shared: boolean): boolean {
  const memory = new WebAssembly.Memory(shared ? { initial: 2, maximum: 2, shared } : { initial: 2 });
  return selfTest(instantiateKernels(module, memory));
}
