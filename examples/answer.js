// What the examples of request handlers have in common: GET /?prompt=… is answered with text, as it is generated.

/** Loads when first asked; a load that failed is tried again by the next request. */
export function once(load) {
  let loading;
  return (...given) => (loading ??= load(...given).catch((error) => {
    loading = undefined;
    throw error;
  }));
}

export async function answer(request, load) {
  const { searchParams } = new URL(request.url);
  const prompt = searchParams.get('prompt');
  if (!prompt) return new Response('Ask with /?prompt=…\n', { status: 400 });
  const engine = await load();
  const options = { maxTokens: Number(searchParams.get('tokens') ?? 32), temperature: 0, signal: request.signal };
  const chunks = engine.generate(prompt, options);
  let first;
  try {
    first = await chunks.next();
  } catch (error) {
    if (!['ERR_INVALID_ARGUMENT', 'ERR_CONTEXT_LENGTH'].includes(error.code)) throw error;
    return new Response(`${error.message}\n`, { status: 400 });
  }
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async pull(controller) {
      const { value, done } = first ?? await chunks.next();
      first = undefined;
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value.text));
    },
    cancel: () => chunks.return(),
  });
  return new Response(body, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
}
