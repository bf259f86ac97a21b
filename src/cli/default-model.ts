// What the model that is used when none is named is asked with, unless the command line says otherwise.

interface ChatValues {
  readonly model?: string;
  readonly system?: string;
  readonly temperature?: number;
  readonly seed?: number;
  readonly samples?: number;
}

/**
 * As small as SmolLM2 135M is, it answers plain questions best greedily and with a plain system message: "What is the
 * capital of France?" gives French word play under its template's own one, in llama.cpp too (measured).
 */
const SYSTEM = 'You are a helpful assistant.';
const TEMPERATURE = 0;

/** `values` with those defaults where no model is named; a seed or several samples ask for chance. */
export function withDefaultModelChat<V extends ChatValues>(values: V): V {
  if (values.model !== undefined) return values;
  const wantsChance = values.seed !== undefined || (values.samples ?? 1) > 1;
  const temperature = values.temperature ?? (wantsChance ? undefined : TEMPERATURE);
  return { ...values, system: values.system ?? SYSTEM, temperature };
}
