// Content in parts for a chat template: as a list where the template writes lists, as one text where it expects strings.
import { ChatTemplateError } from '../errors.ts';
import type { ChatMessage, TextPart } from './messages.ts';

type Render = (messages: readonly ChatMessage[]) => string;

const FIRST = 'first part';
const SECOND = 'second part';

/**
 * The messages as the template takes them. Whether it takes lists is tried out once for each role, when a message first has one:
 * templates branch on types in too many ways to tell from their source.
 */
export function partsForTemplate(render: Render): (messages: readonly ChatMessage[]) => readonly ChatMessage[] {
  const known = new Map<string, boolean>();
  const takesLists = (role: string): boolean => {
    const answer = known.get(role) ?? writesLists(role, render);
    known.set(role, answer);
    return answer;
  };
  return (messages) => {
    if (!messages.some(({ content }) => Array.isArray(content))) return messages;
    return messages.map((message) =>
      !Array.isArray(message.content) || takesLists(message.role) ? message : { ...message, content: contentText(message) });
  };
}

/** Content as one text; parts are lines of it, as in llama.cpp and vLLM. */
export function contentText({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text).join('\n');
}

/** One part must look like the string, not like a list in brackets, and of two none may be lost. */
function writesLists(role: string, render: Render): boolean {
  const two = attempt(role, [part(FIRST), part(SECOND)], render);
  if (!two?.includes(FIRST) || !two.includes(SECOND)) return false;
  const text = attempt(role, FIRST, render);
  return !text?.includes(FIRST) || attempt(role, [part(FIRST)], render) === text;
}

const part = (text: string): TextPart => ({ type: 'text', text });

/** A short conversation around a message of this role; undefined where the template fails. */
function attempt(role: string, content: ChatMessage['content'], render: Render): string | undefined {
  const message: ChatMessage = { role, content };
  const other: ChatMessage = { role: 'user', content: '.' };
  try {
    if (role === 'user') return render([message]);
    return render(role === 'system' || role === 'developer' ? [message, other] : [other, message]);
  } catch (error) {
    if (error instanceof ChatTemplateError) return undefined;
    throw error;
  }
}
