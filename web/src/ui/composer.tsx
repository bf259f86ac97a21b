// Where the reader writes: sends with Enter, grows with its text, stops a reply.
import { useSignal } from '@preact/signals';
import { ArrowUp, Square } from 'lucide-preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { send, stop } from '../chat/reply-actions.ts';
import { current, currentReply, modelState } from '../chat/state.ts';
import * as format from './format.ts';

export function focusComposer(): void {
  document.getElementById('composer')?.focus();
}

export function Composer() {
  const text = useSignal('');
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const { style } = area.current!;
    style.height = 'auto';
    style.height = `${area.current!.scrollHeight}px`;
  }, [text.value]);
  const submit = (): void => {
    if (text.value.trim() && send(text.value.trim())) text.value = '';
  };
  const isReplying = currentReply.value !== undefined;
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <div class="box">
        <textarea id="composer" ref={area} rows={1} aria-label="Message" placeholder={placeholder()} value={text}
          onInput={(event) => { text.value = event.currentTarget.value; }}
          onKeyDown={(event) => {
            // While a text is being composed (Japanese, Chinese …), Enter ends the composition.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            submit();
          }} />
        {isReplying
          ? <button type="button" class="send" aria-label="Stop" title="Stop (Esc)" onClick={stopFrom}><Square size={16} fill="currentColor" /></button>
          : <button type="submit" class="send" aria-label="Send" disabled={text.value.trim() === ''}><ArrowUp size={20} /></button>}
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
  if (reply?.speed.value !== undefined) return <span>{format.speed(reply.speed.value)} · Esc stops</span>;
  const state = modelState.value;
  if (state.status === 'open') {
    const { memoryBytes, threads } = state.model;
    const facts = [
      memoryBytes !== undefined && `${format.bytes(memoryBytes)} of memory`,
      threads !== undefined && `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    ].filter(Boolean);
    if (facts.length > 0) return <span>Runs in this page · {facts.join(' · ')}</span>;
  }
  return <span>{current.value.messages.length === 0 ? 'Enter sends, Shift+Enter starts a new line' : 'Answers can be wrong; check what matters.'}</span>;
}
