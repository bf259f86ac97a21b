// The shown branch of the conversation; stays at its end while the reader is there.
import { useSignal } from '@preact/signals';
import { ArrowDown } from 'lucide-preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { shownMessages } from '../chat/conversation.ts';
import { current, currentReply } from '../chat/state.ts';
import { MessageView } from './message.tsx';
import { Welcome } from './welcome.tsx';

/** This close to the end counts as at the end. */
const NEAR_PX = 80;

export function MessageList() {
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useSignal(true);
  const lastTop = useRef(0);
  const messages = shownMessages(current.value);
  const toEnd = (): void => {
    const element = scroller.current!;
    element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(toEnd, [current.value.id, messages.length]);
  useEffect(() => {
    // A reply grows, a phone's keyboard opens: whatever changes the height.
    const observer = new ResizeObserver(() => { if (isAtEnd.peek()) toEnd(); });
    observer.observe(scroller.current!);
    observer.observe(scroller.current!.firstElementChild!);
    return () => observer.disconnect();
  }, []);
  const onScroll = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current!;
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    // Only the reader moves up: what grew by more since the last frame has not left the end.
    if (isNear || scrollTop < lastTop.current) isAtEnd.value = isNear;
    lastTop.current = scrollTop;
  };
  return (
    <>
      <div class="messages" ref={scroller} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages">
        <div class="column">
          {messages.length > 0 && <h1 class="visually-hidden">{current.value.title}</h1>}
          {messages.length === 0 ? <Welcome /> : messages.map((message) => (
            <MessageView key={message.id} message={message}
              reply={currentReply.value?.messageId === message.id ? currentReply.value : undefined} />
          ))}
        </div>
      </div>
      {!isAtEnd.value && (
        <button class="to-end" aria-label="To the latest message" onClick={toEnd}><ArrowDown size={18} /></button>
      )}
    </>
  );
}
