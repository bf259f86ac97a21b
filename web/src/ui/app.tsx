// The page's frame: the list of conversations, the conversation, the settings, and what floats above them.
import { useEffect } from 'preact/hooks';
import { startConversation } from '../chat/conversation-actions.ts';
import { stop } from '../chat/reply-actions.ts';
import { announcement, currentReply, isModelDialogOpen, isSettingsOpen, isSidebarOpen } from '../chat/state.ts';
import { Composer, focusComposer } from './composer.tsx';
import { FileDrop } from './file-drop.tsx';
import { Header } from './header.tsx';
import { KeyDialog } from './key-dialog.tsx';
import { MessageList } from './message-list.tsx';
import { ModelDialog } from './model-dialog.tsx';
import { Notice } from './notice.tsx';
import { SettingsPanel } from './settings-panel.tsx';
import { Sidebar } from './sidebar.tsx';

export function App() {
  useEffect(() => {
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return (
    <div class={`frame${isSidebarOpen.value ? ' sidebar-open' : ''}${isSettingsOpen.value ? ' settings-open' : ''}`}>
      <a class="skip-link" href="#composer" onClick={(event) => { event.preventDefault(); focusComposer(); }}>Skip to the message box</a>
      <Sidebar />
      <div class="main">
        <Header />
        <Notice />
        <main>
          <div class="conversation"><MessageList /></div>
          <Composer />
        </main>
      </div>
      <SettingsPanel />
      <div class="scrim" onClick={() => { isSidebarOpen.value = false; isSettingsOpen.value = false; }} />
      {isModelDialogOpen.value && <ModelDialog />}
      <KeyDialog />
      <FileDrop />
      <div class="visually-hidden" role="status" aria-live="polite">{announcement}</div>
    </div>
  );
}

function onKey(event: KeyboardEvent): void {
  const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select, [contenteditable]');
  if (event.key === 'Escape' && !event.defaultPrevented) {
    if (isSidebarOpen.value) isSidebarOpen.value = false;
    else if (currentReply.value) stop();
    else if (isSettingsOpen.value) isSettingsOpen.value = false;
  } else if (event.key.toLowerCase() === 'o' && event.shiftKey && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    startConversation();
    focusComposer();
  } else if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    focusComposer();
  }
}
