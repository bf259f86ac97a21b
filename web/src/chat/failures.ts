// Failures in words for who uses the page: what can be done here, not which option a program would set.

const ADVICE: Readonly<Record<string, string>> = {
  context_length_exceeded: 'This conversation is longer than the model can read at once. Start a new chat, or edit an earlier message and shorten it.',
  model_out_of_memory: 'The model does not fit the memory that this page may use. Close other tabs, or choose a smaller model.',
  server_out_of_memory: 'The server has no memory left for this. Try again later, or choose a smaller model.',
};

/** The same failures by the codes of the engine in the page, of its server, and of llama.cpp's. */
const CODES: ReadonlyMap<unknown, keyof typeof ADVICE> = new Map(Object.entries({
  context_length_exceeded: 'context_length_exceeded', exceed_context_size_error: 'context_length_exceeded', ERR_CONTEXT_LENGTH: 'context_length_exceeded',
  ERR_OUT_OF_MEMORY: 'model_out_of_memory', out_of_memory: 'server_out_of_memory',
}));

export function inWords(error: unknown): string {
  const { code, message } = error as Error & { readonly code?: unknown };
  const known = CODES.get(code);
  return known === undefined ? message : ADVICE[known]!;
}
