// What generate's options say about tools, checked.
import type { ToolFormat } from '../../chat/tool-format.ts';
import type { ToolDefinition } from '../../chat/tool-schema.ts';
import { InvalidArgumentError } from '../../errors.ts';
import { describe } from '../sampler/options.ts';
import type { GenerateOptions } from '../types.ts';

export interface CheckedTools {
  /** What may be called. */
  readonly tools: readonly ToolDefinition[];
  readonly isRequired: boolean;
  /** More than one call an answer. */
  readonly isParallel: boolean;
}

const NAME = /^[\w.-]{1,128}$/;

/**
 * Undefined where no call is to be read: without `toolChoice`, with 'none', and without tools. Throws InvalidArgumentError. A named
 * choice is one call, as OpenAI has it. A model that was never taught to call does not know when it has called enough: one call too,
 * unless more are asked for.
 */
export function checkTools(
  { tools, toolChoice: choice, parallelToolCalls: asked }: GenerateOptions, { isKnownToTemplate }: Pick<ToolFormat, 'isKnownToTemplate'>,
): CheckedTools | undefined {
  const parallel: unknown = asked ?? isKnownToTemplate;
  if (typeof parallel !== 'boolean') throw new InvalidArgumentError(`parallelToolCalls must be true or false, not ${describe(parallel)}.`);
  if (tools !== undefined && !Array.isArray(tools)) throw new InvalidArgumentError(`tools must be an array, not ${describe(tools)}.`);
  if (choice === undefined || choice === 'none') return undefined;
  const name = typeof choice === 'object' && choice !== null ? choice.name : undefined;
  if (choice !== 'auto' && choice !== 'required' && typeof name !== 'string') {
    throw new InvalidArgumentError(`toolChoice must be "none", "auto", "required" or { name }, not ${describe(choice)}.`);
  }
  const all = tools ?? [];
  const names = new Set(all.map(checkTool));
  if (names.size < all.length) throw new InvalidArgumentError('tools has two of the same name.');
  if (all.length === 0 && choice === 'auto') return undefined;
  const offered = (all as readonly ToolDefinition[]).filter((tool) => name === undefined || tool.function.name === name);
  if (offered.length > 0) return { tools: offered, isRequired: choice !== 'auto', isParallel: parallel && name === undefined };
  throw new InvalidArgumentError(name === undefined ? 'toolChoice is "required", but there are no tools. Give some, or leave it out.'
    : `toolChoice names ${JSON.stringify(name.slice(0, 80))}, which is none of the tools.`);
}

function checkTool(tool: unknown, index: number): string {
  const described = (tool as ToolDefinition | null | undefined)?.function as Partial<ToolDefinition['function']> | undefined;
  const at = `tools[${index}].function`;
  if (typeof described !== 'object' || described === null) throw new InvalidArgumentError(`${at} must be an object, not ${describe(described)}.`);
  const { name, parameters } = described;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new InvalidArgumentError(`${at}.name must be 1 to 128 letters, digits, "_", "-" or ".", not ${describe(name)}.`);
  }
  const isSchema = parameters === undefined || parameters === null || (typeof parameters === 'object' && !Array.isArray(parameters));
  if (!isSchema) throw new InvalidArgumentError(`${at}.parameters must be a JSON schema, not ${describe(parameters)}.`);
  return name;
}
