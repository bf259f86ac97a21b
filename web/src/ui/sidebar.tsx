// The kept conversations by date, with a filter; and the page's own settings at the foot.
import { useSignal } from '@preact/signals';
import { Plus, Search } from 'lucide-preact';
import { startConversation } from '../chat/conversation-actions.ts';
import type { Conversation } from '../chat/conversation.ts';
import { conversations } from '../chat/state.ts';
import { focusComposer } from './composer.tsx';
import { ConversationItem } from './conversation-item.tsx';
import { PageMenu } from './page-menu.tsx';
import * as format from './format.ts';

export function Sidebar() {
  const filter = useSignal('');
  const shown = conversations.value.filter((conversation) => matches(conversation, filter.value));
  const groups = grouped(shown);
  return (
    <nav class="sidebar" aria-label="Conversations">
      <div class="brand">
        <img src="./icon.svg" alt="" width="28" height="28" />
        <span>Clawdbot</span>
      </div>
      <button class="new-chat" onClick={() => { startConversation(); focusComposer(); }}>
        <Plus size={18} aria-hidden="true" /> New chat
      </button>
      {conversations.value.length > 5 && (
        <label class="filter">
          <Search size={15} aria-hidden="true" />
          <input type="search" placeholder="Search" aria-label="Search conversations" value={filter}
            onInput={(event) => { filter.value = event.currentTarget.value; }} />
        </label>
      )}
      <div class="conversation-list">
        {[...groups].map(([name, list]) => (
          <section key={name}>
            <h2>{name}</h2>
            <ul>{list.map((conversation) => <ConversationItem key={conversation.id} conversation={conversation} />)}</ul>
          </section>
        ))}
        {shown.length === 0 && <p class="quiet">{filter.value ? 'Nothing found.' : 'Your conversations stay in this browser.'}</p>}
      </div>
      <PageMenu />
    </nav>
  );
}

function grouped(list: readonly Conversation[]): Map<string, Conversation[]> {
  const groups = new Map<string, Conversation[]>();
  for (const conversation of list) {
    const name = format.period(conversation.updatedAt);
    groups.set(name, [...groups.get(name) ?? [], conversation]);
  }
  return groups;
}

function matches({ title, messages }: Conversation, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return wanted === '' || title.toLowerCase().includes(wanted) ||
    messages.some(({ content }) => content.toLowerCase().includes(wanted));
}
