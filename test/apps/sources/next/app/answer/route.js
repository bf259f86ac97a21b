// A route on Node: the model is a file.
import { Engine } from '@clawdbot/runtime';

let loading;

export async function GET(request) {
  const engine = await (loading ??= Engine.load(process.env.MODEL, { deterministic: true, threads: 2 }));
  const { text } = await engine.complete(new URL(request.url).searchParams.get('prompt'), { temperature: 0, maxTokens: 24, ignoreEos: true });
  return Response.json({ text, threads: engine.model.threads });
}
