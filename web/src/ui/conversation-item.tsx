// One conversation in the list: opens it, renames it in place, deletes it after a second press.
import { useSignal } from '@preact/signals';
import { Pencil, Trash2 } from 'lucide-preact';
import { useEffect, useRef } from 'preact/hooks';
import { openConversation, removeConversation, rename } from '../chat/conversation-actions.ts';
import type { Conversation } from '../chat/conversation.ts';
import { announcement, current, running } from '../chat/state.ts';
import { useBriefly } from './briefly.ts';
import { focusComposer } from './composer.tsx';

/** How long a pressed "delete" waits to be confirmed. */
const CONFIRM_MS = 4000;

export function ConversationItem({ conversation }: { conversation: Conversation }) {
  const isRenaming = useSignal(false);
  const wasRenaming = useRef(false);
  const opener = useRef<HTMLButtonElement>(null);
  const renames = isRenaming.value;
  useEffect(() => {
    // The field is gone, and the focus with it.
    if (wasRenaming.current && document.activeElement === document.body) opener.current?.focus();
    // As it was drawn: on a busy machine this runs only when the signal has changed again.
    wasRenaming.current = renames;
  }, [renames]);
  const isCurrent = current.value.id === conversation.id;
  if (renames) return <li><TitleInput conversation={conversation} onDone={() => { isRenaming.value = false; }} /></li>;
  return (
    <li class={isCurrent ? 'is-current' : ''}>
      <button class="open" ref={opener} aria-current={isCurrent ? 'page' : undefined} onClick={() => openConversation(conversation.id)}
        onDblClick={() => { isRenaming.value = true; }}>
        {running.value.has(conversation.id) && <span class="pulse" aria-label="answering" role="img" />}
        <span class="title">{conversation.title || 'New chat'}</span>
      </button>
      <button class="icon-button small" aria-label={`Rename ${conversation.title}`}
        onClick={() => { isRenaming.value = true; }}><Pencil size={14} /></button>
      <DeleteButton label={conversation.title} onDelete={({ detail }) => {
        if (detail === 0) focusComposer();
        void removeConversation(conversation.id);
      }} />
    </li>
  );
}

function TitleInput({ conversation, onDone }: { conversation: Conversation; onDone: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current!.select(), []);
  const isDone = useRef(false);
  const finish = (keeps: boolean): void => {
    // Taken out of the page, the field may lose the focus once more.
    if (isDone.current) return;
    isDone.current = true;
    if (keeps) rename(conversation, input.current!.value);
    onDone();
  };
  return (
    <input ref={input} class="title-input" aria-label="Title" defaultValue={conversation.title} onBlur={() => finish(true)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== 'Escape') return;
        event.preventDefault();
        finish(event.key === 'Enter');
      }} />
  );
}

function DeleteButton({ label, onDelete }: { label: string; onDelete: (event: MouseEvent) => void }) {
  const asking = useBriefly(CONFIRM_MS);
  const ask = (): void => {
    asking.begin();
    announcement.value = 'Press again to delete.';
  };
  return asking.isOn
    ? <button key="delete" class="confirm-delete" aria-label={`Delete? ${label}`} onClick={onDelete} onBlur={asking.end}>Delete?</button>
    : <button key="delete" class="icon-button small" aria-label={`Delete ${label}`} title="Delete" onClick={ask}><Trash2 size={14} /></button>;
}
