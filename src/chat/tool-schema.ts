// The JSON schema of a tool call, by which an answer is forced to be one.
import { InvalidArgumentError } from '../errors.ts';

export interface ToolDefinition {
  readonly type?: 'function';
  readonly function: { readonly name: string; readonly description?: string; readonly parameters?: object };
}

/**
 * What `jsonSchema` takes for an answer that calls one of `tools` (`only` names it): `{"name": …, "arguments": …}`, which
 * ToolCallParser reads in every dialect but hermes, so take 'json'. Definitions of `$ref` belong in each tool's own parameters.
 */
export function toolCallSchema(tools: readonly ToolDefinition[], only?: string): object {
  const offered = tools.filter((tool) => only === undefined || tool.function.name === only);
  if (offered.length === 0) {
    throw new InvalidArgumentError(only === undefined ? 'There are no tools to call.' : `There is no tool ${JSON.stringify(only.slice(0, 80))}.`);
  }
  const calls = offered.map(({ function: { name, parameters = { type: 'object' } } }, i) => ({
    type: 'object', required: ['name', 'arguments'], additionalProperties: false,
    // An identity of its own, so that "#/$defs/…" means the parameters' own.
    properties: { name: { const: name }, arguments: { allOf: [{ type: 'object' }, { $id: `tool:/${i}`, ...parameters }] } },
  }));
  return calls.length === 1 ? calls[0]! : { anyOf: calls };
}
