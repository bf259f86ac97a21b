// The page's state as signals: which backend and model, the conversations, and the replies under way.
import { computed, signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import type { ChatBackend, ChatModel, OpenModel, OpenProgress } from './backend.ts';
import { newConversation } from './conversation.ts';
import type { Conversation } from './conversation.ts';
import { readPreference } from './preferences.ts';
import type { Theme } from './preferences.ts';

export interface RunningReply {
  readonly messageId: string;
  readonly controller: AbortController;
  readonly text: Signal<string>;
  readonly reasoning: Signal<string>;
  /** Tokens per second, shown meanwhile. */
  readonly speed: Signal<number | undefined>;
  /** Share of the prompt that is computed, before the first text. */
  readonly promptShare: Signal<number | undefined>;
}

export type ModelState =
  | { readonly status: 'none' }
  | { readonly status: 'opening'; readonly id: string; readonly progress: OpenProgress; readonly controller: AbortController }
  | { readonly status: 'open'; readonly model: OpenModel }
  | { readonly status: 'failed'; readonly id: string; readonly message: string };

export const backend = signal<ChatBackend | undefined>(undefined);
export const models = signal<readonly ChatModel[]>([]);
export const modelState = signal<ModelState>({ status: 'none' });

export const conversations = signal<readonly Conversation[]>([]);
export const current = signal<Conversation>(newConversation(readPreference('settings')));
export const running = signal<ReadonlyMap<string, RunningReply>>(new Map());
export const currentReply = computed(() => running.value.get(current.value.id));

/** Something the reader must know, shown until dismissed. */
export const notice = signal<string | undefined>(undefined);
/** What a screen reader is told. */
export const announcement = signal('');
/** The server asks who is there, or refused the key it was told. */
export const keyRequest = signal<'asked' | 'refused' | undefined>(undefined);

export const theme = signal<Theme>(readPreference('theme'));
export const isSidebarOpen = signal(false);
export const isSettingsOpen = signal(false);
export const isModelDialogOpen = signal(false);
