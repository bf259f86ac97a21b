// Node's platform.
import { physicalCores, usableMemory } from './node-machine.ts';
import { createNodeLikePlatform } from './node-like.ts';

export const nodePlatform = createNodeLikePlatform({ name: 'node', numCores: physicalCores, memoryLimit: usableMemory });
