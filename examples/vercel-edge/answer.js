// A Vercel Edge Function that answers with a model it fetches from its own deployment (public/model.gguf).
import { Engine } from '@clawdbot/runtime';
import { answer, once } from '../answer.js';

export const config = { runtime: 'edge' };

const load = once(async (url) => {
  const response = await fetch(new URL('/model.gguf', url));
  if (!response.ok) throw new Error(`model.gguf: ${response.status} ${response.statusText}`);
  return Engine.load(await response.arrayBuffer(), { contextLength: 256 });
});

export default (request) => answer(request, () => load(request.url));
