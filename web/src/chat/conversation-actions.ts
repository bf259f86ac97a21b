// What the reader does with conversations: open, rename, delete, settings, export and import.
import { newConversation, showing, withEndings } from './conversation.ts';
import type { ChatSettings, Conversation } from './conversation.ts';
import { conversationsFrom } from './import.ts';
import { readPreference, writePreference } from './preferences.ts';
import { conversations, current, isSidebarOpen, notice, running } from './state.ts';
import { openStore } from './store.ts';
import type { ConversationStore } from './store.ts';

let store: ConversationStore | undefined;

export async function loadConversations(): Promise<void> {
  store = await openStore();
  if (store.problem) notice.value = `${store.problem} Conversations are lost when it closes.`;
  conversations.value = byDate((await store.readAll()).map(withEndings));
  store.onChange((id) => void takeOver(id));
}

/** What another tab did; a reply that runs here stays this tab's own. */
async function takeOver(id: string): Promise<void> {
  if (running.value.has(id)) return;
  const known = find(id);
  const changed = await store!.read(id);
  // What was done here meanwhile is the newest.
  if (find(id) !== known) return;
  const others = conversations.value.filter((other) => other.id !== id);
  conversations.value = byDate(changed ? [...others, changed] : others);
  if (current.value.id !== id) return;
  current.value = changed ?? newConversation(readPreference('settings'));
}

/** Shows and keeps a conversation's new state; one without messages is not kept. */
export function update(conversation: Conversation): void {
  if (current.value.id === conversation.id) current.value = conversation;
  if (conversation.messages.length === 0) return;
  conversations.value = byDate([...conversations.value.filter(({ id }) => id !== conversation.id), conversation]);
  store?.save(conversation).catch((error: unknown) => {
    notice.value = `The conversation could not be kept: ${(error as Error).message}`;
  });
}

export function find(id: string): Conversation | undefined {
  return current.value.id === id ? current.value : conversations.value.find((other) => other.id === id);
}

export function startConversation(): void {
  current.value = newConversation(readPreference('settings'));
  isSidebarOpen.value = false;
}

export function openConversation(id: string): void {
  const found = find(id);
  if (found) current.value = found;
  isSidebarOpen.value = false;
}

export async function removeConversation(id: string): Promise<void> {
  running.value.get(id)?.controller.abort();
  conversations.value = conversations.value.filter((other) => other.id !== id);
  if (current.value.id === id) startConversation();
  await store?.remove(id).catch(tellNotDeleted);
}

export async function removeAll(): Promise<void> {
  for (const { controller } of running.value.values()) controller.abort();
  conversations.value = [];
  startConversation();
  await store?.clear().catch(tellNotDeleted);
}

function tellNotDeleted(error: unknown): void {
  notice.value = `What was deleted here is still kept: ${(error as Error).message}`;
}

export function rename(conversation: Conversation, title: string): void {
  const trimmed = title.trim();
  if (trimmed) update({ ...conversation, title: trimmed });
}

/** Changes the shown conversation's settings, and those that new conversations start with. */
export function changeSettings(change: Partial<ChatSettings>): void {
  const settings = { ...current.value.settings, ...change };
  writePreference('settings', settings);
  update({ ...current.value, settings });
}

export function showVersion(messageId: string): void {
  update(showing(current.value, messageId));
}

export function exportAll(): Blob {
  const contents = { format: 'clawdbot-conversations', version: 1, conversations: conversations.value };
  return new Blob([JSON.stringify(contents, undefined, 1)], { type: 'application/json' });
}

/** Adds the conversations of an exported file; throws an Error that says what is wrong with it. */
export async function importFrom(file: Blob): Promise<number> {
  const imported = conversationsFrom(await file.text());
  for (const conversation of imported) await store?.save(conversation);
  const ids = new Set(imported.map(({ id }) => id));
  conversations.value = byDate([...conversations.value.filter(({ id }) => !ids.has(id)), ...imported]);
  return imported.length;
}

function byDate(list: readonly Conversation[]): Conversation[] {
  return [...list].sort((a, b) => b.updatedAt - a.updatedAt);
}
