// One message: what was said, by whom, and what can be done with it.
import { useSignal } from '@preact/signals';
import { TriangleAlert } from 'lucide-preact';
import { useRef } from 'preact/hooks';
import type { Message } from '../chat/conversation.ts';
import type { RunningReply } from '../chat/state.ts';
import { splitReasoning } from '../markdown/reasoning.ts';
import { focusComposer } from './composer.tsx';
import * as format from './format.ts';
import { Markdown } from './markdown.tsx';
import { MessageActions } from './message-actions.tsx';
import { MessageEditor } from './message-editor.tsx';

interface Properties {
  readonly message: Message;
  /** Set while the message is being written. */
  readonly reply: RunningReply | undefined;
}

export function MessageView({ message, reply }: Properties) {
  return message.role === 'user' ? <UserMessage message={message} /> : <AssistantMessage message={message} reply={reply} />;
}

function UserMessage({ message }: { message: Message }) {
  const isEditing = useSignal(false);
  const article = useRef<HTMLElement>(null);
  return (
    <article class="message user" aria-label="You" ref={article}>
      {isEditing.value
        ? <MessageEditor message={message} onDone={() => {
          isEditing.value = false;
          requestAnimationFrame(() => focusAfterEdit(article.current));
        }} />
        : <div class="bubble">{message.content}</div>}
      {!isEditing.value && <MessageActions message={message} onEdit={() => { isEditing.value = true; }} />}
    </article>
  );
}

/** Back on the message that stayed, or to the box where another has taken its place. */
function focusAfterEdit(article: HTMLElement | null): void {
  if (article) article.querySelector<HTMLButtonElement>('button[aria-label=Edit]')?.focus();
  else focusComposer();
}

function AssistantMessage({ message, reply }: Properties) {
  const split = splitReasoning(reply ? reply.text.value : message.content);
  const reasoning = (reply ? reply.reasoning.value : message.reasoning ?? '') || split.reasoning;
  const isThinking = reply !== undefined && split.answer === '' && reasoning !== '';
  return (
    <article class="message assistant" aria-label={message.model ?? 'Assistant'} aria-busy={reply !== undefined}>
      {reasoning !== '' && (
        <details class="reasoning" open={isThinking}>
          <summary>{isThinking ? 'Thinking…' : 'Thoughts'}</summary>
          <Markdown text={reasoning} />
        </details>
      )}
      <Markdown text={split.answer} isStreaming={reply !== undefined} />
      {reply && split.answer === '' && !isThinking && <Waiting reply={reply} />}
      {message.error !== undefined && (
        <p class="failure"><TriangleAlert size={16} aria-hidden="true" /> <span>{message.error}</span></p>
      )}
      {!reply && <MessageActions message={message} />}
    </article>
  );
}

function Waiting({ reply }: { reply: RunningReply }) {
  const share = reply.promptShare.value;
  return (
    <p class="waiting">
      <span class="dots" aria-hidden="true"><i /><i /><i /></span>
      {share !== undefined && share < 1 && <span>Reading the prompt, {format.percent(share)}</span>}
    </p>
  );
}
