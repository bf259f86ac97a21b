// Tools, calls and results for a chat template: as it expects them, or in words where it knows no tools.
import { contentText } from './content-parts.ts';
import { checkMessages } from './messages.ts';
import type { ChatMessage, ToolCall } from './messages.ts';
import type { ToolFormat } from './tool-format.ts';

export interface PreparedConversation {
  readonly messages: readonly ChatMessage[];
  /** For the template's variable `tools`. */
  readonly tools: readonly unknown[] | undefined;
}

/** Throws InvalidArgumentError for messages that are none. */
export function withTools(
  messages: readonly ChatMessage[], tools: readonly unknown[] | undefined, format: ToolFormat,
): PreparedConversation {
  checkMessages(messages);
  if (format.isKnownToTemplate) return { messages: messages.map(withObjects), tools };
  const told = inWords(messages);
  return { messages: tools?.length ? instructed(told, instructions(tools, format)) : told, tools: undefined };
}

/** Templates write arguments with `tojson`, and so expect objects, as transformers documents it. */
function withObjects(message: ChatMessage): ChatMessage {
  if (!message.tool_calls?.length) return message;
  return { ...message, tool_calls: message.tool_calls.map((call) => ({ ...call, function: { ...call.function, arguments: asObject(call) } })) };
}

function asObject({ function: { arguments: given } }: ToolCall): ToolCall['function']['arguments'] {
  if (typeof given !== 'string') return given;
  try {
    const value: unknown = JSON.parse(given);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : given;
  } catch {
    return given;
  }
}

function instructions(tools: readonly unknown[], { opening, closing }: ToolFormat): string {
  const listed = tools.map((tool) => JSON.stringify((tool as { function?: unknown } | null)?.function ?? tool)).join('\n');
  return `You can call these functions, described here as JSON, one a line:\n${listed}\n\n` +
    `To call a function, write\n${opening}\n{"name": <its name>, "arguments": <its arguments, an object>}\n${closing}\n` +
    'and nothing after it. The result comes in the next message. If no function is needed, just answer.';
}

function instructed(messages: readonly ChatMessage[], words: string): ChatMessage[] {
  const [first, ...rest] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: words }, ...messages];
  return [{ ...first, content: joined(contentText(first), words) }, ...rest];
}

/** Calls as the model is asked to write them, and results as a message of the user, who answers them. */
function inWords(messages: readonly ChatMessage[]): ChatMessage[] {
  const told: ChatMessage[] = [];
  let isAfterResult = false;
  for (const message of messages) {
    const isResult = message.role === 'tool' || message.role === 'function';
    if (isResult) {
      const content = `<tool_response>\n${contentText(message)}\n</tool_response>`;
      const last = told.at(-1);
      // Some templates refuse two messages of the user in a row.
      if (isAfterResult) told[told.length - 1] = { role: 'user', content: joined(contentText(last!), content, '\n') };
      else told.push({ role: 'user', content });
    } else if (message.tool_calls?.length) {
      const { tool_calls: calls, ...rest } = message;
      told.push({ ...rest, content: joined(contentText(message), calls.map(written).join('\n'), '\n') });
    } else {
      told.push(message);
    }
    isAfterResult = isResult;
  }
  return told;
}

function written(call: ToolCall): string {
  return `<tool_call>\n${JSON.stringify({ name: call.function.name, arguments: asObject(call) })}\n</tool_call>`;
}

function joined(before: string, after: string, separator = '\n\n'): string {
  return before === '' ? after : before + separator + after;
}
