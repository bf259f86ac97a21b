// Light or dark: what the reader chose, or what the system says.
import { effect } from '@preact/signals';
import { writePreference } from '../chat/preferences.ts';
import { theme } from '../chat/state.ts';

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** Keeps the document's theme as chosen. */
export function followTheme(): void {
  const apply = (): void => {
    const isDark = theme.value === 'dark' || (theme.value === 'system' && systemIsDark.matches);
    document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  };
  effect(() => {
    writePreference('theme', theme.value);
    apply();
  });
  systemIsDark.addEventListener('change', apply);
}
