// Asks for the server's API key, where it wants one, and again where it was not the right one.
import { useRef } from 'preact/hooks';
import { refreshModels } from '../chat/model-actions.ts';
import { readPreference, writePreference } from '../chat/preferences.ts';
import { keyRequest } from '../chat/state.ts';
import { Dialog } from './dialog.tsx';

export function KeyDialog() {
  const input = useRef<HTMLInputElement>(null);
  if (keyRequest.value === undefined) return null;
  const isRefused = keyRequest.value === 'refused';
  const save = (event: Event): void => {
    event.preventDefault();
    writePreference('apiKey', input.current!.value.trim());
    keyRequest.value = undefined;
    void refreshModels();
  };
  return (
    <Dialog title="API key" onClose={() => { keyRequest.value = undefined; }}>
      <form class="key-form" onSubmit={save}>
        <p id="key-text">This server asks for an API key: one of those it was started with. Whoever runs it can tell you. It is kept in this browser only.</p>
        {/* Where a dialog opens, the focus goes to what has autofocus. */}
        <input ref={input} type="password" autocomplete="off" autofocus aria-label="API key" aria-describedby={isRefused ? 'key-refused' : 'key-text'}
          aria-invalid={isRefused} defaultValue={readPreference('apiKey')} required />
        {isRefused && <p id="key-refused" class="failure" role="alert">This key is not accepted. Check it for a missing or additional character.</p>}
        <div class="buttons"><button class="button primary" type="submit">Continue</button></div>
      </form>
    </Dialog>
  );
}
