// How far something that takes a while is, in bytes.
import type { OpenProgress } from '../chat/backend.ts';
import * as format from './format.ts';

export function Progress({ progress: { label, loadedBytes, totalBytes } }: { progress: OpenProgress }) {
  const amount = totalBytes ? `${format.bytes(loadedBytes)} of ${format.bytes(totalBytes)}` : '';
  return (
    <div class="progress">
      <div class="progress-text"><span>{label}</span><span>{amount}</span></div>
      {/* Without a value it moves to and fro. */}
      <progress aria-label={label} max={totalBytes} value={totalBytes ? loadedBytes : undefined} />
    </div>
  );
}
