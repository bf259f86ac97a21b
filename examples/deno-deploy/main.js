// A Deno Deploy application that answers with a model that is deployed beside it. One thread: Deploy starts no workers.
import { Engine } from '@clawdbot/runtime';
import { answer, once } from '../answer.js';

const load = once(async () => {
  const bytes = await Deno.readFile(new URL('./model.gguf', import.meta.url));
  return Engine.load(bytes, { threads: 0, contextLength: 256 });
});

Deno.serve((request) => answer(request, load));
