// All reference models through the WebAssembly kernels, both builds.
import type { ArchitectureCase } from '../support/architecture-cases.ts';
import { testArchitectures } from '../support/architecture-suite.ts';
import { wasmTestBackend } from '../support/wasm-backend.ts';

/** Integer kernels quantize activations, as llama.cpp's do; float weights are computed in float. */
const grade = (testCase: ArchitectureCase): 'exact' | 'pass' => (/^(F32|F16|BF16)$/.test(testCase.weights) ? 'exact' : 'pass');

for (const build of ['baseline', 'relaxed'] as const) {
  testArchitectures(`wasm ${build}`, wasmTestBackend(build), { grade, batchingTolerance: 0 });
}
