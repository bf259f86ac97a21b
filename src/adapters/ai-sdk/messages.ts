// The AI SDK's prompts as messages of a chat template.
import { UnsupportedFunctionalityError } from '@ai-sdk/provider';
import type { LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4ToolResultOutput } from '@ai-sdk/provider';
import type { ChatMessage } from '@clawdbot/runtime';

type Assistant = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type Tool = Extract<LanguageModelV4Message, { role: 'tool' }>;

/** Throws UnsupportedFunctionalityError for parts that are not text, reasoning, or a tool's call or result. */
export function toMessages(prompt: LanguageModelV4Prompt): ChatMessage[] {
  return prompt.flatMap((message): ChatMessage[] => {
    switch (message.role) {
      case 'system':
        return [{ role: 'system', content: message.content }];
      case 'user':
        return [{ role: 'user', content: message.content.map((part) => (part.type === 'text' ? part.text : refuse(part))).join('\n') }];
      case 'assistant':
        return [assistantMessage(message)];
      case 'tool':
        return toolMessages(message);
    }
  });
}

function assistantMessage({ content }: Assistant): ChatMessage {
  let [text, reasoning] = ['', ''];
  const calls: NonNullable<ChatMessage['tool_calls']>[number][] = [];
  for (const part of content) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'reasoning') reasoning += part.text;
    else if (part.type === 'tool-call') {
      const { toolCallId, toolName, input } = part;
      calls.push({ id: toolCallId, type: 'function', function: { name: toolName, arguments: input as Record<string, unknown> } });
    } else refuse(part);
  }
  return {
    role: 'assistant', content: text,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function toolMessages({ content }: Tool): ChatMessage[] {
  return content.map((part) => (part.type !== 'tool-result' ? refuse(part) : {
    role: 'tool', tool_call_id: part.toolCallId, name: part.toolName, content: textOf(part.output),
  }));
}

function textOf(output: LanguageModelV4ToolResultOutput): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value);
    case 'execution-denied':
      return `The call was denied${output.reason ? `: ${output.reason}` : '.'}`;
    case 'content':
      return output.value.map((part) => (part.type === 'text' ? part.text : refuse(part))).join('\n');
  }
}

function refuse(part: { readonly type: string; readonly mediaType?: string }): never {
  const kind = part.mediaType === undefined ? part.type : `${part.type} (${part.mediaType})`;
  throw new UnsupportedFunctionalityError({ functionality: `prompt part ${kind}` });
}
