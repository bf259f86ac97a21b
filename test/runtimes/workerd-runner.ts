// Runs the contract in a Worker: what differs comes in as JSON, the models lie in a bucket, what came of it goes out as JSON.
import * as api from '@clawdbot/runtime';
import type { Surroundings } from '../contract/contract.ts';
import { runContract } from '../contract/run.ts';

interface Bindings {
  readonly FIXTURES: { get(name: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> }> };
}

export default {
  async fetch(request: Request, { FIXTURES }: Bindings): Promise<Response> {
    const input = await request.json() as Pick<Surroundings, 'lacks' | 'logitsHashes'>;
    const fixture = async (name: string): Promise<Uint8Array> => new Uint8Array(await (await FIXTURES.get(name)).arrayBuffer());
    return Response.json(await runContract({ api, ...input, fixture }));
  },
};
