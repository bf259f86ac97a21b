// Chooses a kernel build: relaxed SIMD where the engine has it and computes it right, with sums in i32 where one instruction
// makes them, and the baseline otherwise.
import type { KernelBuild } from '../../platform/platform.ts';
import { hasIntegerDot } from './integer-dot.ts';
import { instantiateKernels } from './kernels.ts';
import { selfTest } from './self-test.ts';

export interface KernelSource {
  loadKernels(build: KernelBuild): Promise<WebAssembly.Module>;
}

export type BuildName = 'baseline' | 'relaxed' | 'dot';

export interface ChosenKernels {
  readonly build: BuildName;
  readonly module: WebAssembly.Module;
}

interface ChoiceOptions {
  readonly shared: boolean;
  /** Insists on the baseline, whose results are the same bits everywhere. */
  readonly deterministic: boolean;
}

export async function chooseKernels(source: KernelSource, options: ChoiceOptions): Promise<ChosenKernels> {
  const load = (build: BuildName): Promise<WebAssembly.Module> => source.loadKernels(options.shared ? `${build}-shared` : build);
  for (const build of fasterBuilds(options)) {
    const module = await load(build).catch((error: unknown) => {
      // An engine without relaxed SIMD cannot compile that build; anything else is a real failure.
      if (error instanceof WebAssembly.CompileError) return undefined;
      throw error;
    });
    if (module && computesRight(module, options.shared)) return { build, module };
  }
  return { build: 'baseline', module: await load('baseline') };
}

function fasterBuilds({ deterministic }: ChoiceOptions): readonly BuildName[] {
  if (deterministic) return [];
  return hasIntegerDot() ? ['dot', 'relaxed'] : ['relaxed'];
}

function computesRight(module: WebAssembly.Module, shared: boolean): boolean {
  const memory = new WebAssembly.Memory(shared ? { initial: 2, maximum: 2, shared } : { initial: 2 });
  return selfTest(instantiateKernels(module, memory));
}
