// The AI SDK's call options as options of `Engine.generate`, with a warning for each that cannot be honoured.
import type { LanguageModelV4CallOptions, SharedV4Warning } from '@ai-sdk/provider';
import type { GenerateOptions } from '@clawdbot/runtime';

export interface MappedOptions {
  readonly options: GenerateOptions;
  readonly warnings: SharedV4Warning[];
}

/** `providerOptions.clawdbot` may hold any further option of `Engine.generate`. */
export function toGenerateOptions(call: LanguageModelV4CallOptions): MappedOptions {
  const warnings: SharedV4Warning[] = [];
  const own = (call.providerOptions?.['clawdbot'] ?? {}) as GenerateOptions;
  const tools = toolsOf(call, warnings);
  const templateOptions = { ...reasoningOptions(call.reasoning), ...own.templateOptions };
  if (call.responseFormat?.type === 'json') {
    warnings.push({ type: 'unsupported', feature: 'responseFormat', details: 'The model is asked for JSON by the prompt only.' });
  }
  const options: GenerateOptions = {
    ...own,
    ...(tools.length > 0 && { tools }),
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

/** Function tools as chat templates expect them; whether the model calls one is up to it. */
function toolsOf({ tools = [], toolChoice }: LanguageModelV4CallOptions, warnings: SharedV4Warning[]): unknown[] {
  if (toolChoice?.type === 'none') return [];
  if (toolChoice?.type === 'required' || toolChoice?.type === 'tool') {
    warnings.push({ type: 'unsupported', feature: 'toolChoice', details: 'A model cannot be made to call a tool.' });
  }
  return tools.flatMap((tool) => {
    if (tool.type !== 'function') {
      warnings.push({ type: 'unsupported', feature: `tool ${tool.id}` });
      return [];
    }
    if (toolChoice?.type === 'tool' && toolChoice.toolName !== tool.name) return [];
    const { name, description = '', inputSchema } = tool;
    return [{ type: 'function', function: { name, description, parameters: inputSchema } }];
  });
}

/** Variables that templates of reasoning models know: Qwen 3 and its kin, gpt-oss. */
function reasoningOptions(reasoning: LanguageModelV4CallOptions['reasoning']): Record<string, unknown> {
  if (reasoning === undefined || reasoning === 'provider-default') return {};
  if (reasoning === 'none') return { enable_thinking: false };
  return { enable_thinking: true, reasoning_effort: reasoning };
}
