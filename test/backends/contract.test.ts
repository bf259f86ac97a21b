// The contract suite on the reference backend and on both kernel builds, with one thread and with three.
import { testBackend } from './contract.ts';
import { BACKENDS } from './run-case.ts';

for (const backend of BACKENDS) testBackend(backend);
