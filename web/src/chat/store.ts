// Where conversations are kept: IndexedDB, or only memory where the browser refuses storage. Other tabs hear of changes.
import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';
import type { Conversation } from './conversation.ts';

interface ChatDatabase extends DBSchema {
  conversations: { key: string; value: Conversation };
}

export interface ConversationStore {
  /** Why nothing is kept, where nothing is. */
  readonly problem: string | undefined;
  readAll(): Promise<Conversation[]>;
  save(conversation: Conversation): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
  /** Another tab has changed or (undefined) removed a conversation. */
  onChange(listener: (id: string) => void): void;
  read(id: string): Promise<Conversation | undefined>;
}

export async function openStore(): Promise<ConversationStore> {
  try {
    const database = await openDB<ChatDatabase>('clawdbot-chat', 1, {
      upgrade: (fresh) => void fresh.createObjectStore('conversations', { keyPath: 'id' }),
    });
    return databaseStore(database);
  } catch (error) {
    return memoryStore(`This browser keeps nothing for this page (${(error as Error).message}).`);
  }
}

function databaseStore(database: IDBPDatabase<ChatDatabase>): ConversationStore {
  const channel = new BroadcastChannel('clawdbot-conversations');
  return {
    problem: undefined,
    readAll: () => database.getAll('conversations'),
    read: (id) => database.get('conversations', id),
    async save(conversation) {
      const transaction = database.transaction('conversations', 'readwrite');
      const isPut = transaction.store.put(conversation);
      // At once: what a page that goes away has not committed is lost.
      transaction.commit();
      await Promise.all([isPut, transaction.done]);
      channel.postMessage(conversation.id);
    },
    async remove(id) {
      await database.delete('conversations', id);
      channel.postMessage(id);
    },
    async clear() {
      const ids = await database.getAllKeys('conversations');
      await database.clear('conversations');
      for (const id of ids) channel.postMessage(id);
    },
    onChange: (listener) => channel.addEventListener('message', ({ data }) => listener(data as string)),
  };
}

function memoryStore(problem: string): ConversationStore {
  const conversations = new Map<string, Conversation>();
  return {
    problem,
    readAll: () => Promise.resolve([...conversations.values()]),
    read: (id) => Promise.resolve(conversations.get(id)),
    save: (conversation) => Promise.resolve(void conversations.set(conversation.id, conversation)),
    remove: (id) => Promise.resolve(void conversations.delete(id)),
    clear: () => Promise.resolve(conversations.clear()),
    onChange: () => undefined,
  };
}
