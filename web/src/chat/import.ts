// Reads a file of exported conversations; whatever in it is not of the right shape is refused, not guessed at.
import { DEFAULT_SETTINGS } from './conversation.ts';
import type { ChatSettings, Conversation, Message } from './conversation.ts';

const NOT_OURS = 'This file holds no conversations that were exported here.';

type Fields = Readonly<Record<string, unknown>>;

export function conversationsFrom(text: string): Conversation[] {
  let contents: Fields;
  try {
    contents = JSON.parse(text) as Fields;
  } catch (cause) {
    throw new Error(NOT_OURS, { cause });
  }
  if (contents?.['format'] !== 'clawdbot-conversations' || !Array.isArray(contents['conversations'])) throw new Error(NOT_OURS);
  return contents['conversations'].map(conversationFrom);
}

function conversationFrom(given: unknown): Conversation {
  const fields = object(given);
  const messages = fields['messages'];
  if (!Array.isArray(messages)) throw new Error(NOT_OURS);
  return {
    id: string(fields['id']), title: string(fields['title']), leafId: optionalString(fields['leafId']),
    createdAt: number(fields['createdAt']), updatedAt: number(fields['updatedAt']),
    messages: messages.map(messageFrom),
    settings: settingsFrom(object(fields['settings'] ?? {})),
  };
}

function messageFrom(given: unknown): Message {
  const fields = object(given);
  const role = fields['role'];
  if (role !== 'user' && role !== 'assistant') throw new Error(NOT_OURS);
  const ending = fields['ending'] as Message['ending'];
  const reasoning = optionalString(fields['reasoning']);
  const model = optionalString(fields['model']);
  return {
    id: string(fields['id']), parentId: optionalString(fields['parentId']), role, content: string(fields['content']),
    createdAt: number(fields['createdAt']),
    ...(reasoning !== undefined && { reasoning }),
    ...(model !== undefined && { model }),
    ...(ending !== undefined && ['stop', 'length', 'stopped', 'failed'].includes(ending) && { ending }),
  };
}

/** Takes the settings that have the type of the default's. */
function settingsFrom(fields: Fields): ChatSettings {
  const known = Object.entries(DEFAULT_SETTINGS).map(([name, usual]) =>
    [name, typeof fields[name] === typeof usual ? fields[name] : usual]);
  return Object.fromEntries(known) as unknown as ChatSettings;
}

function object(value: unknown): Fields {
  if (typeof value === 'object' && value !== null) return value as Fields;
  throw new Error(NOT_OURS);
}

function string(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(NOT_OURS);
}

const optionalString = (value: unknown): string | undefined => (value === undefined || value === null ? undefined : string(value));

function number(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(NOT_OURS);
}
