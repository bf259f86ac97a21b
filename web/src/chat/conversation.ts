// A conversation is a tree of messages: editing and regenerating add a branch beside the old one, and nothing is lost.
import { uniqueId } from './unique-id.ts';
import type { PromptMessage, ReplyStats, SamplingSettings } from './backend.ts';

export interface ChatSettings extends SamplingSettings {
  readonly systemPrompt: string;
}

export interface Message {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly reasoning?: string;
  readonly createdAt: number;
  readonly model?: string;
  readonly stats?: ReplyStats;
  /** Why a reply ended: the model's own end, the limit of tokens, the reader, or a failure. */
  readonly ending?: 'stop' | 'length' | 'stopped' | 'failed';
  readonly error?: string;
}

export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The message that the shown branch ends with. */
  readonly leafId: string | undefined;
  readonly messages: readonly Message[];
  readonly settings: ChatSettings;
}

export const DEFAULT_SETTINGS: ChatSettings = {
  systemPrompt: '', temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05, repetitionPenalty: 1,
};

const LONGEST_TITLE = 60;

export function newConversation(settings: ChatSettings): Conversation {
  const now = Date.now();
  return { id: uniqueId(), title: '', createdAt: now, updatedAt: now, leafId: undefined, messages: [], settings };
}

export function newMessage(role: Message['role'], content: string, parentId: string | undefined): Message {
  return { id: uniqueId(), parentId, role, content, createdAt: Date.now() };
}

/** The messages of the shown branch, first to last. */
export function shownMessages({ messages, leafId }: Conversation): Message[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const branch: Message[] = [];
  for (let message = leafId && byId.get(leafId); message && branch.length < messages.length;) {
    branch.unshift(message);
    message = message.parentId && byId.get(message.parentId);
  }
  return branch;
}

/** The other versions of a message, itself included, oldest first. */
export function versionsOf({ messages }: Conversation, { parentId, role }: Message): Message[] {
  return messages.filter((other) => other.parentId === parentId && other.role === role);
}

export function withMessage(conversation: Conversation, message: Message): Conversation {
  const isKnown = conversation.messages.some(({ id }) => id === message.id);
  const messages = isKnown
    ? conversation.messages.map((other) => (other.id === message.id ? message : other))
    : [...conversation.messages, message];
  const title = conversation.title || (message.role === 'user' ? titleFrom(message.content) : '');
  const leafId = isKnown ? conversation.leafId : message.id;
  return { ...conversation, title, messages, leafId, updatedAt: Date.now() };
}

/** A kept reply without an ending was cut off with its page. */
export function withEndings(conversation: Conversation): Conversation {
  const messages = conversation.messages.map((message): Message =>
    (message.role === 'assistant' && message.ending === undefined ? { ...message, ending: 'stopped' } : message));
  return { ...conversation, messages };
}

/** Shows the branch that goes through a message, to its latest end. */
export function showing(conversation: Conversation, messageId: string): Conversation {
  let leafId = messageId;
  for (;;) {
    const next = conversation.messages.findLast(({ parentId }) => parentId === leafId);
    if (!next) return { ...conversation, leafId };
    leafId = next.id;
  }
}

/** What the model is sent: the system prompt, then the messages up to and with `last`. */
export function promptFor(conversation: Conversation, last: Message): PromptMessage[] {
  const branch = shownMessages({ ...conversation, leafId: last.id });
  const system = conversation.settings.systemPrompt.trim();
  return [
    ...(system ? [{ role: 'system' as const, content: system }] : []),
    ...branch.filter(({ content }) => content !== '').map(({ role, content }) => ({ role, content })),
  ];
}

function titleFrom(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length <= LONGEST_TITLE ? line : `${line.slice(0, LONGEST_TITLE - 1).trimEnd()}…`;
}
