// What a compute worker does with its messages, whatever runtime it lives in: thread 0 serves requests, others follow.
import type { MemoryRange } from '../../backends/tensors.ts';
import { Arrivals } from '../load/arrivals.ts';
import { ComputeThread } from './thread.ts';
import { EngineCore } from './core.ts';
import { createMemory } from '../load/model-memory.ts';
import { createOutbox } from './outbox.ts';
import type { FromCompute, ModelInMemory, ShardPlace, ToCompute } from './protocol.ts';

export interface WorkerPort {
  post(message: FromCompute, transfer?: ArrayBuffer[]): void;
  /** Resolves after messages that have already arrived were received. */
  yieldNow(): Promise<void>;
  /** The worker shares the caller's thread: others have their turn more often. */
  readonly isCallersThread?: boolean;
  /**
   * Where the worker's thread is the caller's, which must not be blocked: resolves, after other events had their turn, once
   * `count` of the tensors of a model's shard have been read. A worker with a thread of its own waits in memory instead.
   */
  whenRead?(model: 'main' | 'draft', shard: number, count: number): Promise<void>;
}

/** The handler for a worker's incoming messages; the first must be `init`. */
export function createComputeWorker(port: WorkerPort): (message: ToCompute) => void {
  let core: EngineCore | undefined;
  let own: { readonly [model in 'main' | 'draft']: readonly WebAssembly.Memory[] };
  const arrivals = new Arrivals();
  const bytesOf = ({ model, shard }: ShardPlace, { ptr, byteLength }: MemoryRange): Uint8Array =>
    new Uint8Array(own[model][shard]!.buffer, ptr, byteLength);

  return (message) => {
    switch (message.type) {
      case 'init': {
        const { module, threadIndex, plan } = message;
        // Numbers stand for memory that no other thread has: nobody could wake this one in it.
        const isAlone = message.memories.some((memory) => typeof memory === 'number');
        const memoriesOf = ({ memories }: ModelInMemory): WebAssembly.Memory[] =>
          memories.map((memory) => (typeof memory === 'number' ? createMemory(memory, false) : memory as WebAssembly.Memory));
        own = { main: memoriesOf(message), draft: message.draft ? memoriesOf(message.draft) : [] };
        const lay = (laid: ModelInMemory, memories: readonly WebAssembly.Memory[], draft?: ComputeThread): ComputeThread => {
          const threads = memories.map((memory) => ({ memory, instance: new WebAssembly.Instance(module, { env: { memory } }) }));
          return new ComputeThread(laid.plan, threadIndex, threads, draft);
        };
        const draft = message.draft && { ...message.draft, thread: lay(message.draft, own.draft) };
        const thread = lay(message, own.main, draft?.thread);
        port.post({ type: 'ready' });
        if (threadIndex > 0) thread.follow();
        const whenRead = port.whenRead ?? (isAlone ? arrivals.whenRead.bind(arrivals) : undefined);
        core = new EngineCore({ plan, thread, draft, ...port, post: createOutbox(port.post), whenRead, isAlone });
        return;
      }
      case 'write':
        bytesOf(message, { ptr: message.ptr, byteLength: message.bytes.length }).set(message.bytes);
        return;
      case 'arrived':
        arrivals.arrived(message.model, message.shard, message.count);
        return;
      case 'read': {
        const bytes = new Uint8Array(message.ranges.reduce((sum, { byteLength }) => sum + byteLength, 0));
        let at = 0;
        for (const range of message.ranges) {
          bytes.set(bytesOf(message, range), at);
          at += range.byteLength;
        }
        port.post({ type: 'copied', requestId: message.requestId, bytes }, [bytes.buffer]);
        return;
      }
      default:
        core!.receive(message);
    }
  };
}
