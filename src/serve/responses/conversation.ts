// The items of a /v1/responses request as messages of a conversation.
import type { ChatMessage, ToolCall } from '../../chat/messages.ts';
import { invalidRequest } from '../api-error.ts';
import type { ResponsesRequest } from './request.ts';

type Items = Exclude<ResponsesRequest['input'], string>;
type Item = Items[number];

/** Throws ApiError for a result of a call that the input does not have. */
export function conversationOf({ input, instructions }: ResponsesRequest): ChatMessage[] {
  const messages: ChatMessage[] = instructions ? [{ role: 'system', content: instructions }] : [];
  const names = new Map<string, string>();
  const items: Items = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
  items.forEach((item, i) => {
    if (item.type === 'function_call') names.set(item.call_id, item.name);
    if (item.type === 'function_call_output' && !names.has(item.call_id)) {
      throw invalidRequest(`input[${i}]: there is no function_call with this call_id before it.`, `input[${i}].call_id`);
    }
    add(messages, item, names);
  });
  return messages;
}

function add(messages: ChatMessage[], item: Item, names: ReadonlyMap<string, string>): void {
  const last = messages.at(-1);
  if (item.type === 'function_call') {
    const call: ToolCall = { id: item.call_id, type: 'function', function: { name: item.name, arguments: item.arguments } };
    // What the model said and called in one turn are items of their own, but one message.
    if (last?.role === 'assistant') messages[messages.length - 1] = { ...last, tool_calls: [...(last.tool_calls ?? []), call] };
    else messages.push({ role: 'assistant', content: '', tool_calls: [call] });
  } else if (item.type === 'function_call_output') {
    messages.push({ role: 'tool', tool_call_id: item.call_id, name: names.get(item.call_id)!, content: textOf(item.output) });
  } else {
    const role = item.role === 'developer' ? 'system' : item.role;
    const content = textOf(item.content);
    // Templates take one system message, at the beginning.
    if (role === 'system' && last?.role === 'system') messages[messages.length - 1] = { role, content: `${last.content as string}\n\n${content}` };
    else messages.push({ role, content });
  }
}

function textOf(content: string | readonly { readonly text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('');
}
