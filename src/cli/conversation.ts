// A conversation on disk: what /save writes and /load reads.
import { InvalidArgumentError } from '../errors.ts';
import { readText, writeOut } from './files.ts';

const LARGEST_FILE_BYTES = 64 * 2 ** 20;

export type Turn = { readonly role: 'user' | 'assistant'; readonly content: string };

export interface Conversation {
  readonly system: string | undefined;
  readonly messages: readonly Turn[];
}

/** Throws FileError, or InvalidArgumentError for a file that holds no conversation. */
export async function readConversation(file: string): Promise<Conversation> {
  const wrong = new InvalidArgumentError(`"${file}" is not a conversation that /save wrote.`);
  const json = await readText(file, LARGEST_FILE_BYTES);
  let found: { system?: unknown; messages?: unknown } | null;
  try {
    found = JSON.parse(json) as typeof found;
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong;
    throw error;
  }
  const messages = found?.messages;
  const system = found?.system;
  if (!Array.isArray(messages) || !messages.every(isTurn)) throw wrong;
  if (system !== undefined && typeof system !== 'string') throw wrong;
  return { system, messages: messages.map(({ role, content }) => ({ role, content })) };
}

export async function writeConversation(file: string, model: string, conversation: Conversation): Promise<void> {
  await writeOut(file, `${JSON.stringify({ model, ...conversation }, null, 2)}\n`);
}

function isTurn(message: unknown): message is Turn {
  const { role, content } = (message ?? {}) as Partial<Turn>;
  return (role === 'user' || role === 'assistant') && typeof content === 'string';
}
