// Loaded into the server's process (--import): says over IPC how long the event loop was held up since it was last asked, in ms.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 2;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
process.on('message', () => {
  process.send({ most: delays.count === 0 ? 0 : delays.max / 1e6 });
  delays.reset();
});
process.channel?.unref();
