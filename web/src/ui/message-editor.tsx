// A message being written anew, in its own place.
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Message } from '../chat/conversation.ts';
import { edit } from '../chat/reply-actions.ts';

export function MessageEditor({ message, onDone }: { message: Message; onDone: () => void }) {
  const area = useRef<HTMLTextAreaElement>(null);
  // Before anything can be typed: the caret would be moved behind it.
  useLayoutEffect(() => {
    area.current!.focus();
    area.current!.setSelectionRange(message.content.length, message.content.length);
  }, []);
  const save = (): void => {
    const text = area.current!.value.trim();
    onDone();
    if (text && text !== message.content) edit(message, text);
  };
  return (
    <form class="message-editor" onSubmit={(event) => { event.preventDefault(); save(); }}>
      <textarea ref={area} aria-label="Edit your message" rows={Math.min(12, message.content.split('\n').length + 1)}
        defaultValue={message.content} onKeyDown={(event) => {
          if (event.key === 'Escape') { event.preventDefault(); onDone(); }
          // As in the message box; while a text is being composed, Enter ends the composition.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          save();
        }} />
      <div class="buttons">
        <button type="button" class="button" onClick={onDone}>Cancel</button>
        <button type="submit" class="button primary">Send</button>
      </div>
    </form>
  );
}
