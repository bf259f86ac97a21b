// The AI SDK's call options as options of `Engine.generate`, with a warning for each that cannot be honoured.
import type { LanguageModelV4CallOptions, SharedV4Warning } from '@ai-sdk/provider';
import type { GenerateOptions, ToolChoice } from '@clawdbot/runtime';

export interface MappedOptions {
  readonly options: GenerateOptions;
  readonly warnings: SharedV4Warning[];
}

/** `providerOptions.clawdbot` may hold any further option of `Engine.generate`. */
export function toGenerateOptions(call: LanguageModelV4CallOptions): MappedOptions {
  const warnings: SharedV4Warning[] = [];
  const own = (call.providerOptions?.['clawdbot'] ?? {}) as GenerateOptions;
  const tools = toolsOf(call.tools, warnings);
  const templateOptions = { ...reasoningOptions(call.reasoning), ...own.templateOptions };
  const options: GenerateOptions = {
    ...own,
    ...(tools.length > 0 && { tools, toolChoice: toolChoiceOf(call.toolChoice) }),
    ...formOf(call.responseFormat),
    ...(Object.keys(templateOptions).length > 0 && { templateOptions }),
    maxTokens: call.maxOutputTokens ?? own.maxTokens,
    temperature: call.temperature ?? own.temperature,
    topP: call.topP ?? own.topP,
    topK: call.topK ?? own.topK,
    presencePenalty: call.presencePenalty ?? own.presencePenalty,
    frequencyPenalty: call.frequencyPenalty ?? own.frequencyPenalty,
    seed: call.seed ?? own.seed,
    stop: call.stopSequences ?? own.stop,
    signal: call.abortSignal,
  };
  return { options, warnings };
}

/** What the whole text must be, where nothing is called. */
function formOf(format: LanguageModelV4CallOptions['responseFormat']): Pick<GenerateOptions, 'json' | 'jsonSchema'> {
  if (format?.type !== 'json') return {};
  return format.schema === undefined ? { json: true } : { jsonSchema: format.schema };
}

/** Function tools as chat templates expect them. */
function toolsOf(tools: LanguageModelV4CallOptions['tools'], warnings: SharedV4Warning[]): unknown[] {
  return (tools ?? []).flatMap((tool) => {
    if (tool.type !== 'function') {
      warnings.push({ type: 'unsupported', feature: `tool ${tool.id}` });
      return [];
    }
    const { name, description = '', inputSchema } = tool;
    return [{ type: 'function', function: { name, description, parameters: inputSchema } }];
  });
}

function toolChoiceOf(choice: LanguageModelV4CallOptions['toolChoice']): ToolChoice {
  if (choice === undefined) return 'auto';
  return choice.type === 'tool' ? { name: choice.toolName } : choice.type;
}

/** Variables that templates of reasoning models know: Qwen 3 and its kin, gpt-oss. */
function reasoningOptions(reasoning: LanguageModelV4CallOptions['reasoning']): Record<string, unknown> {
  if (reasoning === undefined || reasoning === 'provider-default') return {};
  if (reasoning === 'none') return { enable_thinking: false };
  return { enable_thinking: true, reasoning_effort: reasoning };
}
