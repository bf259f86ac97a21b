// The contract suite on the reference backend and on every kernel build that this engine computes right, with one thread and with
// three, and once with everything just below 4 GiB.
import { testBackend } from './contract.ts';
import { BACKENDS } from './run-case.ts';

for (const backend of BACKENDS) testBackend(backend);
