// What is written and not sent yet, kept for this tab over a reload.
import { effect, signal } from '@preact/signals';

const KEY = 'clawdbot.draft';

export const draft = signal(kept());

effect(() => {
  const text = draft.value;
  try {
    if (text === '') sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    // Refused or full storage: the draft lasts as long as the page.
  }
});

function kept(): string {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}
