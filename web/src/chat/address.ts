// The shown conversation in the page's address, so that a reload, a bookmark and the browser's own back and forward lead to it.
import { effect } from '@preact/signals';
import { openConversation, startConversation } from './conversation-actions.ts';
import { conversations, current } from './state.ts';

/** Call when the kept conversations are known. */
export function followAddress(): void {
  show(idInAddress());
  addEventListener('popstate', () => show(idInAddress()));
  let previous = current.peek().id;
  effect(() => {
    const { id, messages } = current.value;
    const wanted = messages.length > 0 ? id : '';
    const isOther = id !== previous;
    previous = id;
    const left = idInAddress();
    if (wanted === left) return;
    const address = wanted === '' ? location.pathname + location.search : `#${encodeURIComponent(wanted)}`;
    // That a new chat got its first message is no step to go back over, and there is no way back to what was deleted.
    if (isOther && (left === '' || isKept(left))) history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  });
}

function show(id: string): void {
  if (isKept(id)) openConversation(id);
  else if (id !== '' || current.peek().messages.length > 0) startConversation();
}

const isKept = (id: string): boolean => conversations.peek().some((conversation) => conversation.id === id);

/** '' for none. */
function idInAddress(): string {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}
