// Bun's platform: Node's modules, and Node's view of the machine.
import { physicalCores, usableMemory } from './node-machine.ts';
import { createNodeLikePlatform } from './node-like.ts';

export const bunPlatform = createNodeLikePlatform({ name: 'bun', numCores: physicalCores, memoryLimit: usableMemory });
