// A conversation on disk: what /save writes and /load reads, as text or within a session.
import { stat } from 'node:fs/promises';
import { LARGEST_NOTE_BYTES, isSession, readHeader } from '../engine/session/format.ts';
import type { GenerateOptions, SavedSession } from '../engine/types.ts';
import { ContextLengthError, EngineStoppedError, InvalidArgumentError, UnsupportedModelError } from '../errors.ts';
import type { ChatMessage } from '../chat/messages.ts';
import { openFile } from '../platform/node-file.ts';
import type { CliEngine } from './command.ts';
import { attempt, checkWritable, readText, reasoned, writeOut } from './files.ts';

export type Turn = { readonly role: 'user' | 'assistant'; readonly content: string };

export interface Conversation {
  readonly system: string | undefined;
  readonly messages: readonly Turn[];
}

export interface StoredConversation extends Conversation {
  /** The session that spares computing it again, where the file holds one. */
  readonly session?: string;
}

/** Files of this name hold text and no session. */
const isTextFile = (file: string): boolean => /\.json$/i.test(file);

/** Throws FileError, SessionError, or InvalidArgumentError for a file that holds no conversation. */
export async function readConversation(file: string): Promise<StoredConversation> {
  const note = await sessionNote(file);
  if (note !== undefined) return { ...parseConversation(file, note), session: file };
  return parseConversation(file, await readText(file, LARGEST_NOTE_BYTES));
}

/**
 * Writes text where the name ends in .json, or where there is no state to keep; a session elsewhere. Returns what to say about it.
 */
export async function writeConversation(
  file: string, engine: CliEngine, conversation: Conversation, options: Pick<GenerateOptions, 'contextPolicy' | 'signal'>,
): Promise<string> {
  const { system, messages } = conversation;
  const text = `${JSON.stringify({ model: engine.model.name, ...conversation }, null, 2)}\n`;
  if (isTextFile(file)) {
    await writeOut(file, text);
    return `Saved ${messages.length} messages.\n`;
  }
  await checkWritable(file);
  const all: ChatMessage[] = [...(system === undefined ? [] : [{ role: 'system', content: system }]), ...messages];
  if (all.length === 0) throw new InvalidArgumentError('There is nothing to save yet.');
  const state = await saveState(file, engine, all, text, options);
  if (state) {
    const { numTokens, byteLength } = state;
    return `Saved ${messages.length} messages with the state of ${numTokens} tokens (${Math.ceil(byteLength / 1e6)} MB).\n`;
  }
  await writeOut(file, text);
  return `Saved the text of ${messages.length} messages; this model’s state cannot be saved now.\n`;
}

/** A session with as much of the conversation's state as the context holds; undefined where the model has none to save. */
async function saveState(
  file: string, engine: CliEngine, messages: readonly ChatMessage[], note: string,
  { contextPolicy, signal }: Pick<GenerateOptions, 'contextPolicy' | 'signal'>,
): Promise<SavedSession | undefined> {
  const save = (prompt: readonly ChatMessage[] | readonly number[]): Promise<SavedSession> =>
    engine.saveSession(prompt, { file, note, signal });
  try {
    return await save(messages).catch((error: unknown) => {
      if (!(error instanceof ContextLengthError)) throw error;
      // What the next reply begins with: the turns that slid out do not belong to it.
      if (contextPolicy === 'slide') return save(engine.promptIds(messages, { contextPolicy }));
      return save(engine.renderChat(messages, { addGenerationPrompt: false }).ids.slice(0, engine.model.contextLength));
    });
  } catch (error) {
    if (error instanceof ContextLengthError || error instanceof UnsupportedModelError || error instanceof EngineStoppedError) {
      return undefined;
    }
    throw error;
  }
}

async function sessionNote(file: string): Promise<string | undefined> {
  return attempt('read', file, async () => {
    if ((await stat(file)).isDirectory()) throw reasoned('EISDIR');
    const source = await openFile(file);
    try {
      return (await isSession(source)) ? (await readHeader(source)).header.note : undefined;
    } finally {
      await source.close();
    }
  });
}

function parseConversation(file: string, json: string): Conversation {
  const wrong = new InvalidArgumentError(`"${file}" is not a conversation that /save wrote.`);
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

function isTurn(message: unknown): message is Turn {
  const { role, content } = (message ?? {}) as Partial<Turn>;
  return (role === 'user' || role === 'assistant') && typeof content === 'string';
}
