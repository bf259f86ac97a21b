// A Cloudflare Worker that answers with a model from an R2 bucket. Deploy: wrangler r2 object put models/model.gguf --file …, then
// wrangler deploy. The model, its key/value cache and the copy that is read must fit the 128 MB of an isolate.
import { Engine } from '@clawdbot/runtime';
import { answer, once } from '../answer.js';

const load = once(async ({ MODELS }) => {
  const file = await MODELS.get('model.gguf');
  if (!file) throw new Error('There is no model.gguf in the bucket that MODELS is bound to.');
  return Engine.load(await file.arrayBuffer(), { contextLength: 256 });
});

export default {
  fetch: (request, env) => answer(request, () => load(env)),
};
