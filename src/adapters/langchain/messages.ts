// LangChain's messages as messages of a chat template.
import { AIMessage, ChatMessage as GenericMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import { InvalidArgumentError } from '@clawdbot/runtime';
import type { ChatMessage } from '@clawdbot/runtime';

const ROLES: Readonly<Record<string, string>> = { human: 'user', ai: 'assistant', system: 'system', developer: 'developer', tool: 'tool' };

/** Throws InvalidArgumentError for content that is not text, and for kinds of messages that chat templates do not have. */
export function toMessages(messages: readonly BaseMessage[]): ChatMessage[] {
  return messages.map((message) => {
    const content = textOf(message);
    if (ToolMessage.isInstance(message)) {
      return { role: 'tool', content, tool_call_id: message.tool_call_id, ...(message.name && { name: message.name }) };
    }
    if (AIMessage.isInstance(message) && message.tool_calls?.length) {
      const calls = message.tool_calls.map(({ id, name, args }) => ({ id, type: 'function' as const, function: { name, arguments: args } }));
      return { role: 'assistant', content, tool_calls: calls };
    }
    return { role: roleOf(message), content, ...(message.name && { name: message.name }) };
  });
}

function roleOf(message: BaseMessage): string {
  if (GenericMessage.isInstance(message)) return message.role;
  const role = ROLES[message.type];
  if (role !== undefined) return role;
  throw new InvalidArgumentError(`A message of type "${message.type}" has no place in a chat template.`);
}

function textOf({ content }: BaseMessage): string {
  if (typeof content === 'string') return content;
  return content.map((block) => {
    if (block.type === 'text' && typeof block['text'] === 'string') return block['text'];
    throw new InvalidArgumentError(`Content of type "${block.type}" is not supported: models here take text.`);
  }).join('\n');
}
