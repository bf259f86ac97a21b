// All reference models through the plain TypeScript backend.
import { testArchitectures } from '../support/architecture-suite.ts';
import { referenceTestBackend } from '../support/reference-backend.ts';

testArchitectures('reference', referenceTestBackend);
