// Runs the contract in a page: what differs comes in from the test that opened it, what came of it is what the function gives back.
import * as api from '@clawdbot/runtime';
import type { Surroundings } from '../contract/contract.ts';
import { runContract } from '../contract/run.ts';

export type BrowserRunnerInput = Pick<Surroundings, 'lacks' | 'logitsHashes'>;

const address = (name: string): string => new URL(`/fixtures/${name}`, location.href).href;

async function fixture(name: string): Promise<Uint8Array> {
  const response = await fetch(address(name));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

Object.assign(globalThis, {
  contract: (input: BrowserRunnerInput) => runContract({ api, ...input, fixture, url: address }),
});
