// What the default model is asked with, however it is named, unless the command line says otherwise.
import { defaultCatalog } from '../sources/catalog.ts';
import { DEFAULT_MODEL } from './shared-options.ts';

interface ChatValues {
  readonly model?: string;
  readonly system?: string;
  readonly temperature?: number;
  readonly repetitionPenalty?: number;
}

/**
 * As small as SmolLM2 135M is, it answers plain questions best greedily and with a plain system message: "What is the
 * capital of France?" gives French word play under its template's own one, in llama.cpp too (measured).
 */
const SYSTEM = 'You are a helpful assistant.';
const TEMPERATURE = 0;

/** `values` with those defaults where the model is the default one. */
export function withDefaultModelChat<V extends ChatValues>(values: V): V {
  if (!isDefaultModel(values.model)) return values;
  return { ...values, system: values.system ?? SYSTEM, temperature: values.temperature ?? TEMPERATURE };
}

/**
 * Greedily it ends in one sentence over and over when an answer gets long ("Tell me a long story about …", 1024 tokens); with
 * Ollama's usual penalty it does not, and knows France's capital still. At 0.8, as llama-cli and Ollama ask, it rambles (measured).
 */
const REPETITION_PENALTY = 1.1;

/** The same for conversations, whose answers may be long. */
export function withDefaultModelTalk<V extends ChatValues>(values: V): V {
  const { temperature, repetitionPenalty } = values;
  const defaults = withDefaultModelChat(values);
  if (!isDefaultModel(values.model) || temperature !== undefined || repetitionPenalty !== undefined) return defaults;
  return { ...defaults, repetitionPenalty: REPETITION_PENALTY };
}

/** No name, its name in the catalog, one of its sources, or any address or path of its file. */
function isDefaultModel(reference: string | undefined): boolean {
  if (reference === undefined) return true;
  const { name, fileName, sources } = defaultCatalog().models.find((model) => model.name === DEFAULT_MODEL)!;
  const given = reference.trim();
  return given === name || sources.includes(given) || given.split(/[\\/#]/).at(-1) === fileName;
}
