// Asks for the server's API key, where it wants one.
import { useRef } from 'preact/hooks';
import { refreshModels } from '../chat/model-actions.ts';
import { readPreference, writePreference } from '../chat/preferences.ts';
import { needsKey } from '../chat/state.ts';
import { Dialog } from './dialog.tsx';

export function KeyDialog() {
  const input = useRef<HTMLInputElement>(null);
  if (!needsKey.value) return null;
  const save = (event: Event): void => {
    event.preventDefault();
    writePreference('apiKey', input.current!.value.trim());
    needsKey.value = false;
    void refreshModels();
  };
  return (
    <Dialog title="API key" onClose={() => { needsKey.value = false; }}>
      <form class="key-form" onSubmit={save}>
        <p>This server answers only who knows its key. It is kept in this browser.</p>
        <input ref={input} type="password" autocomplete="off" aria-label="API key" defaultValue={readPreference('apiKey')} required />
        <div class="buttons"><button class="button primary" type="submit">Continue</button></div>
      </form>
    </Dialog>
  );
}
