// The contract suite on the reference backend and on every kernel build that the engine computes right: with one thread, with
// three, and at the end of the addresses that memory has.
import { testBackend } from './contract.ts';
import { BACKENDS } from './run-case.ts';

for (const backend of BACKENDS) testBackend(backend);
