// The tools of a request and the choice among them, as the engine's options; calls in the form of OpenAI's answers.
import { z } from 'zod';
import type { ToolCallDelta } from '../../chat/tool-call-reader.ts';
import type { GenerateOptions, ToolCallResult, ToolChoice } from '../../engine/types.ts';
import { invalidRequest } from '../api-error.ts';
import { MAX_SCHEMA_LENGTH, jsonSchema } from './options/structure.ts';

export const MAX_TOOLS = 128;
/** UTF-16 units of all tools' JSON together. */
const MAX_TOOLS_LENGTH = 4 * MAX_SCHEMA_LENGTH;

const toolName = z.string().regex(/^[\w.-]{1,128}$/, 'must be 1 to 128 letters, digits, "_", "-" or "."');

/** A function as chat completions describe it, and as responses do beside its type. */
export const FUNCTION = {
  name: toolName,
  description: z.string().nullish(),
  parameters: jsonSchema.nullish().describe('Without it, the function takes no arguments'),
  strict: z.boolean().nullish().describe('Schemas are enforced either way'),
};

const namedFunction = z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: toolName }) });

export function toolList<T extends z.ZodType>(tool: T): z.ZodArray<T> {
  return z.array(tool).max(MAX_TOOLS, `this server takes at most ${MAX_TOOLS} tools`).superRefine((tools, context) => {
    const { length } = JSON.stringify(tools);
    if (length <= MAX_TOOLS_LENGTH) return;
    context.addIssue({ code: 'custom', message: `the tools have ${length} characters; the limit here is ${MAX_TOOLS_LENGTH}` });
  });
}

/** The fields of chat completions. */
export const TOOLS = {
  tools: toolList(z.strictObject({ type: z.literal('function'), function: z.strictObject(FUNCTION) })).nullish(),
  tool_choice: z.union([
    z.enum(['none', 'auto', 'required']),
    z.discriminatedUnion('type', [
      namedFunction,
      z.strictObject({
        type: z.literal('allowed_tools'),
        allowed_tools: z.strictObject({ mode: z.enum(['auto', 'required']), tools: z.array(namedFunction).min(1).max(MAX_TOOLS) }),
      }),
    ]),
  ]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
};

type Tools = { readonly [K in keyof typeof TOOLS]?: z.infer<(typeof TOOLS)[K]> };

/** What a request of either API comes to. */
export interface OfferedTools {
  readonly functions: readonly { readonly name: string; readonly description?: string | null; readonly parameters?: object | null }[];
  readonly choice: ToolChoice | undefined;
  /** Names to which calls are limited. */
  readonly allowed?: readonly string[];
  /** By default, what suits the model. */
  readonly parallel: boolean | undefined;
}

export function chatTools({ tools, tool_choice: choice, parallel_tool_calls: parallel }: Tools): OfferedTools {
  const functions = (tools ?? []).map((tool) => tool.function);
  const shared = { functions, parallel: parallel ?? undefined };
  if (typeof choice !== 'object' || choice === null) return { ...shared, choice: choice ?? undefined };
  if (choice.type === 'function') return { ...shared, choice: choice.function };
  return { ...shared, choice: choice.allowed_tools.mode, allowed: choice.allowed_tools.tools.map((tool) => tool.function.name) };
}

/** Throws ApiError for a choice that the tools do not allow. */
export function toolOptions({ functions, choice, allowed, parallel }: OfferedTools): Pick<GenerateOptions, 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  const names = functions.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw invalidRequest(`There are two tools with the name ${JSON.stringify(twice)}.`, 'tools');
  const wanted = [...(typeof choice === 'object' ? [choice.name] : []), ...(allowed ?? [])];
  const missing = wanted.find((name) => !names.includes(name));
  if (missing !== undefined) throw invalidRequest(`tool_choice names ${JSON.stringify(missing)}, which is none of the tools.`, 'tool_choice');
  if (functions.length === 0) {
    if (choice === 'required') throw invalidRequest('tool_choice "required" needs tools.', 'tool_choice');
    return {};
  }
  const tools = functions.filter(({ name }) => allowed?.includes(name) ?? true).map(({ name, description, parameters }) => (
    { type: 'function', function: { name, ...(description && { description }), ...(parameters && { parameters }) } }));
  return { tools, toolChoice: choice ?? 'auto', parallelToolCalls: parallel };
}

export function chatCall({ id, name, arguments: given }: ToolCallResult): object {
  return { id, type: 'function', function: { name, arguments: given } };
}

/** The pieces of one chunk, those of one call as one: clients take a chunk's entries to be of different calls. */
export function chatCallDeltas(deltas: readonly ToolCallDelta[]): object[] {
  const merged: ToolCallDelta[] = [];
  for (const delta of deltas) {
    const last = merged.at(-1);
    if (last?.index !== delta.index) merged.push(delta);
    else merged[merged.length - 1] = { ...last, arguments: last.arguments + delta.arguments };
  }
  return merged.map(({ index, id, name, arguments: piece }) => (
    id === undefined ? { index, function: { arguments: piece } } : { index, id, type: 'function', function: { name, arguments: piece } }));
}
