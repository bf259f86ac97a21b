// A line above the conversation that says what the reader must know.
import { X } from 'lucide-preact';
import { notice } from '../chat/state.ts';

export function Notice() {
  if (notice.value === undefined) return null;
  return (
    <div class="notice" role="alert">
      <span>{notice}</span>
      <button class="icon-button" aria-label="Dismiss" onClick={() => { notice.value = undefined; }}><X size={16} /></button>
    </div>
  );
}
