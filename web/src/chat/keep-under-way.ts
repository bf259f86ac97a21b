// When a reply under way is kept: at its first piece, every while, and as the page goes, so that a closed page loses little.
import { effect, untracked } from '@preact/signals';
import type { RunningReply } from './state.ts';

const KEEP_INTERVAL_MS = 2000;

export interface Keeping {
  /** Whether the page goes; its connections break before it is gone, and that is no failure. */
  readonly isLeaving: boolean;
  end(): void;
}

export function keepUnderWay({ text, reasoning }: RunningReply, keep: () => void): Keeping {
  let isLeaving = false;
  const leave = (): void => {
    isLeaving = true;
    keep();
  };
  const stopWaiting = effect(() => {
    if (text.value === '' && reasoning.value === '') return;
    untracked(keep);
    stopWaiting();
  });
  const timer = setInterval(keep, KEEP_INTERVAL_MS);
  addEventListener('beforeunload', leave);
  addEventListener('pagehide', leave);
  return {
    get isLeaving() { return isLeaving; },
    end() {
      stopWaiting();
      clearInterval(timer);
      removeEventListener('beforeunload', leave);
      removeEventListener('pagehide', leave);
    },
  };
}
