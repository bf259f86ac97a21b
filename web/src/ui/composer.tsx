// Where the reader writes: sends with Enter, grows with its text, stops a reply.
import { ArrowUp, Square } from 'lucide-preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { draft } from '../chat/draft.ts';
import { send, stop } from '../chat/reply-actions.ts';
import { current, currentReply, modelState } from '../chat/state.ts';
import * as format from './format.ts';

export function focusComposer(): void {
  document.getElementById('composer')?.focus();
}

export function Composer() {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const { style } = area.current!;
    style.height = 'auto';
    style.height = `${area.current!.scrollHeight}px`;
  }, [draft.value]);
  useEffect(() => {
    // On phones it would open the keyboard.
    if (matchMedia('(pointer: fine)').matches && document.activeElement === document.body) area.current!.focus();
  }, []);
  const submit = (): void => {
    if (draft.value.trim() && send(draft.value.trim())) draft.value = '';
  };
  const isReplying = currentReply.value !== undefined;
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <div class="box">
        <textarea id="composer" ref={area} rows={1} aria-label="Message" placeholder={placeholder()} value={draft}
          onInput={(event) => { draft.value = event.currentTarget.value; }}
          onKeyDown={(event) => {
            // While a text is being composed (Japanese, Chinese …), Enter ends the composition.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            submit();
          }} />
        {isReplying
          ? <button type="button" class="send" aria-label="Stop" title="Stop (Esc)" onClick={stopFrom}><Square size={16} fill="currentColor" /></button>
          : <button type="submit" class="send" aria-label="Send" disabled={draft.value.trim() === ''}><ArrowUp size={20} /></button>}
      </div>
      <p class="hint"><Status /></p>
    </form>
  );
}

/** By keyboard, the button that had the focus is gone; a tap is not to open a phone's keyboard. */
function stopFrom({ detail }: MouseEvent): void {
  stop();
  if (detail === 0) focusComposer();
}

function placeholder(): string {
  const state = modelState.value;
  if (state.status === 'open') return `Message ${state.model.name}`;
  return state.status === 'opening' ? 'The model is being opened…' : 'Choose a model to start';
}

function Status() {
  const reply = currentReply.value;
  if (reply?.speed.value !== undefined) return <span>{format.speed(reply.speed.value)}<span class="keys"> · Esc stops</span></span>;
  const state = modelState.value;
  if (state.status === 'open') {
    const { memoryBytes, threads } = state.model;
    const facts = [
      memoryBytes !== undefined && `${format.bytes(memoryBytes)} of memory`,
      threads !== undefined && `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    ].filter(Boolean);
    if (facts.length > 0) return <span>Runs in this page · {facts.join(' · ')}</span>;
  }
  return current.value.messages.length === 0
    ? <span class="keys">Enter sends, Shift+Enter starts a new line</span>
    : <span>Answers can be wrong; check what matters.</span>;
}
