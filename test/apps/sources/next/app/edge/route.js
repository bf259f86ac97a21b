// A route on the edge runtime: the model is fetched from the deployment.
import { Engine } from '@clawdbot/runtime';

export const runtime = 'edge';

let loading;

async function load(url) {
  const response = await fetch(new URL('/model.gguf', url));
  return Engine.load(await response.arrayBuffer(), { contextLength: 256 });
}
export async function GET(request) {
  const engine = await (loading ??= load(request.url));
  const { text } = await engine.complete(new URL(request.url).searchParams.get('prompt'), { temperature: 0, maxTokens: 24, ignoreEos: true });
  return Response.json({ text, threads: engine.model.threads });
}
