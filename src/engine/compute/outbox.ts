// Messages to the caller's thread, those of a step together: each one sent alone wakes that thread, and it and the compute
// threads want the same cores.
import type { FromCompute } from './protocol.ts';

/** A `post` whose messages go out, in order, once the code that is running is done. */
export function createOutbox(post: (message: FromCompute) => void): (message: FromCompute) => void {
  let waiting: FromCompute[] = [];
  const send = (): void => {
    const messages = waiting;
    waiting = [];
    post(messages.length === 1 ? messages[0]! : { type: 'several', messages });
  };
  return (message) => {
    if (waiting.push(message) === 1) queueMicrotask(send);
  };
}
