// The row below a message: its versions, copy, edit, regenerate, and how fast it came.
import { ChevronLeft, ChevronRight, Pencil, RefreshCw } from 'lucide-preact';
import { showVersion } from '../chat/conversation-actions.ts';
import { versionsOf } from '../chat/conversation.ts';
import type { Message } from '../chat/conversation.ts';
import { regenerate } from '../chat/reply-actions.ts';
import { current, currentReply } from '../chat/state.ts';
import { focusComposer } from './composer.tsx';
import { CopyButton } from './markdown.tsx';
import * as format from './format.ts';

export function MessageActions({ message, onEdit }: { message: Message; onEdit?: () => void }) {
  const isBusy = currentReply.value !== undefined;
  return (
    <div class="actions">
      <Versions message={message} isBusy={isBusy} />
      <CopyButton text={message.content} label="Copy" />
      {onEdit && (
        <button class="icon-button small" aria-label="Edit" title="Edit" disabled={isBusy} onClick={onEdit}><Pencil size={15} /></button>
      )}
      {message.role === 'assistant' && (
        <button class="icon-button small" aria-label="Regenerate" title="Regenerate" disabled={isBusy}
          onClick={(event) => regenerateFrom(event, message)}><RefreshCw size={15} /></button>
      )}
      <Facts message={message} />
    </div>
  );
}

function Versions({ message, isBusy }: { message: Message; isBusy: boolean }) {
  const versions = versionsOf(current.value, message);
  if (versions.length < 2) return null;
  const index = versions.findIndex(({ id }) => id === message.id);
  const step = (by: number) => () => showVersion(versions[index + by]!.id);
  return (
    <span class="versions" role="group" aria-label="Versions">
      <button class="icon-button small" aria-label="Previous version" disabled={isBusy || index === 0} onClick={step(-1)}><ChevronLeft size={15} /></button>
      <span>{index + 1} / {versions.length}</span>
      <button class="icon-button small" aria-label="Next version" disabled={isBusy || index === versions.length - 1} onClick={step(1)}><ChevronRight size={15} /></button>
    </span>
  );
}

/** By keyboard, the button that had the focus is gone, as the one that stops is. */
function regenerateFrom({ detail }: MouseEvent, message: Message): void {
  regenerate(message);
  if (detail === 0 && currentReply.value) focusComposer();
}

const ENDINGS = { stop: '', length: 'token limit', stopped: 'stopped', failed: 'failed' };

function Facts({ message: { role, stats, ending, model } }: { message: Message }) {
  if (role === 'user') return null;
  const facts = [
    model,
    stats?.newTokens !== undefined && `${stats.isEstimate ? 'about ' : ''}${format.tokens(stats.newTokens)} tokens`,
    stats?.tokensPerSecond !== undefined && format.speed(stats.tokensPerSecond),
    stats?.ttftMs !== undefined && `first after ${format.duration(stats.ttftMs)}`,
    ending && ENDINGS[ending],
    stats?.droppedTokens !== undefined && `without the oldest ${format.tokens(stats.droppedTokens)} tokens, for which there is no room`,
  ].filter(Boolean);
  return <span class="facts">{facts.join(' · ')}</span>;
}
