// What the reader chose, in localStorage where there is one: theme, model, settings for new conversations, the server's key.
import { DEFAULT_SETTINGS } from './conversation.ts';
import type { ChatSettings } from './conversation.ts';

export type Theme = 'system' | 'light' | 'dark';

interface Preferences {
  readonly theme: Theme;
  readonly modelId: string;
  readonly settings: ChatSettings;
  readonly apiKey: string;
}

const PREFIX = 'clawdbot.';

const DEFAULTS: Preferences = { theme: 'system', modelId: '', settings: DEFAULT_SETTINGS, apiKey: '' };

export function readPreference<K extends keyof Preferences>(name: K): Preferences[K] {
  try {
    const text = localStorage.getItem(PREFIX + name);
    if (text === null) return DEFAULTS[name];
    const value = JSON.parse(text) as Preferences[K];
    return typeof value === 'object' ? { ...DEFAULTS[name] as object, ...value } as Preferences[K] : value;
  } catch {
    // Storage that is refused, or a value that somebody else wrote, stands for the default.
    return DEFAULTS[name];
  }
}

export function writePreference<K extends keyof Preferences>(name: K, value: Preferences[K]): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Refused storage: the choice lasts as long as the page.
  }
}
