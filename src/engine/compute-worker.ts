// What a compute worker does with its messages, whatever runtime it lives in: thread 0 serves requests, others follow.
import { ComputeThread } from './compute-thread.ts';
import { EngineCore } from './core.ts';
import type { FromCompute, ModelInMemory, ToCompute } from './protocol.ts';

export interface WorkerPort {
  post(message: FromCompute): void;
  /** Resolves after messages that have already arrived were received. */
  yieldNow(): Promise<void>;
  /**
   * Where the worker shares the caller's thread, which must not be blocked: resolves, after other events had their turn, once
   * `count` of the tensors of a model's shard have been read. A worker with a thread of its own waits in memory instead.
   */
  whenRead?(model: 'main' | 'draft', shard: number, count: number): Promise<void>;
}

/** The handler for a worker's incoming messages; the first must be `init`. */
export function createComputeWorker(port: WorkerPort): (message: ToCompute) => void {
  let core: EngineCore | undefined;
  return (message) => {
    if (message.type !== 'init') {
      core!.receive(message);
      return;
    }
    const { module, threadIndex } = message;
    const lay = ({ plan, memories }: ModelInMemory, draft?: ComputeThread): ComputeThread => {
      const threads = memories.map((memory) => ({ memory, instance: new WebAssembly.Instance(module, { env: { memory } }) }));
      return new ComputeThread(plan, threadIndex, threads, draft);
    };
    const draft = message.draft && { ...message.draft, thread: lay(message.draft) };
    const { plan } = message;
    const thread = lay(message, draft?.thread);
    port.post({ type: 'ready' });
    if (threadIndex > 0) thread.follow();
    else core = new EngineCore({ plan, thread, draft, ...port });
  };
}
