// What a conversation is made of, and the checks that name the message and field that is wrong.
import { InvalidArgumentError } from '../errors.ts';

/** Text is the only kind of content part that text models take. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** A call the model made, as OpenAI-style APIs write it; `arguments` is JSON text or the object itself. */
export interface ToolCall {
  readonly id?: string;
  readonly type?: 'function';
  readonly function: { readonly name: string; readonly arguments: string | Readonly<Record<string, unknown>> };
}

/** One turn. Further fields (such as reasoning_content) reach the template as they are. */
export interface ChatMessage {
  readonly role: string;
  /** May be missing or null only where `tool_calls` are given. */
  readonly content?: string | readonly TextPart[] | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  readonly name?: string;
  readonly [field: string]: unknown;
}

/** Throws InvalidArgumentError naming index and field, as in `messages[2].content`. */
export function checkMessages(messages: unknown): asserts messages is readonly ChatMessage[] {
  if (!Array.isArray(messages)) throw new InvalidArgumentError('messages must be an array of { role, content }.');
  messages.forEach((message: unknown, index) => checkMessage(message, `messages[${index}]`));
}

function checkMessage(message: unknown, at: string): void {
  if (!isObject(message)) throw wrong(at, 'an object with role and content', message);
  const { role, content, name } = message;
  if (typeof role !== 'string' || role === '') throw wrong(`${at}.role`, 'a non-empty string such as "user"', role);
  checkToolCalls(message['tool_calls'], `${at}.tool_calls`);
  checkContent(content, `${at}.content`, Array.isArray(message['tool_calls']) && message['tool_calls'].length > 0);
  if (name !== undefined && typeof name !== 'string') throw wrong(`${at}.name`, 'a string', name);
  const callId = message['tool_call_id'];
  if (callId !== undefined && typeof callId !== 'string') throw wrong(`${at}.tool_call_id`, 'a string', callId);
}

function checkContent(content: unknown, at: string, mayBeMissing: boolean): void {
  if (typeof content === 'string') return;
  if ((content === undefined || content === null) && mayBeMissing) return;
  if (!Array.isArray(content)) throw wrong(at, 'a string or an array of { type: "text", text }', content);
  content.forEach((part: unknown, index) => {
    if (!isObject(part)) throw wrong(`${at}[${index}]`, '{ type: "text", text }', part);
    if (part['type'] !== 'text') throw wrong(`${at}[${index}].type`, '"text", the only kind supported', part['type']);
    if (typeof part['text'] !== 'string') throw wrong(`${at}[${index}].text`, 'a string', part['text']);
  });
}

function checkToolCalls(calls: unknown, at: string): void {
  if (calls === undefined || calls === null) return;
  if (!Array.isArray(calls)) throw wrong(at, 'an array of { function: { name, arguments } }', calls);
  calls.forEach((call: unknown, index) => {
    const target = isObject(call) ? call['function'] : undefined;
    if (!isObject(target)) throw wrong(`${at}[${index}].function`, 'an object with name and arguments', target);
    if (typeof target['name'] !== 'string') throw wrong(`${at}[${index}].function.name`, 'a string', target['name']);
    const given = target['arguments'];
    if (typeof given !== 'string' && !isObject(given)) {
      throw wrong(`${at}[${index}].function.arguments`, 'JSON text or an object', given);
    }
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(at: string, expected: string, found: unknown): InvalidArgumentError {
  const shown = found === null ? 'null' : Array.isArray(found) ? 'an array'
    : typeof found === 'string' ? JSON.stringify(found.slice(0, 40)) : typeof found;
  return new InvalidArgumentError(`${at} must be ${expected}, but is ${shown}.`);
}
