// The foot of the sidebar: theme, and the conversations as a file.
import { Download, Monitor, Moon, Sun, Trash2, Upload } from 'lucide-preact';
import { exportAll, importFrom, removeAll } from '../chat/conversation-actions.ts';
import type { Theme } from '../chat/preferences.ts';
import { conversations, notice, theme } from '../chat/state.ts';

const THEMES: readonly (readonly [Theme, string, typeof Sun])[] = [
  ['system', 'As the system', Monitor], ['light', 'Light', Sun], ['dark', 'Dark', Moon],
];

export function PageMenu() {
  return (
    <div class="page-menu">
      <fieldset class="segmented">
        <legend class="visually-hidden">Theme</legend>
        {THEMES.map(([value, label, Icon]) => (
          <label key={value} title={label}>
            <input type="radio" name="theme" value={value} checked={theme.value === value} aria-label={label}
              onChange={() => { theme.value = value; }} />
            <Icon size={16} aria-hidden="true" />
          </label>
        ))}
      </fieldset>
      <span class="spacer" />
      <button class="icon-button" title="Export conversations" aria-label="Export conversations" onClick={download}
        disabled={conversations.value.length === 0}><Download size={17} /></button>
      <button class="icon-button" title="Import conversations" aria-label="Import conversations"
        onClick={upload}><Upload size={17} /></button>
      <button class="icon-button" title="Delete all conversations" aria-label="Delete all conversations"
        disabled={conversations.value.length === 0} onClick={clear}><Trash2 size={17} /></button>
    </div>
  );
}

function download(): void {
  const url = URL.createObjectURL(exportAll());
  const link = Object.assign(document.createElement('a'), { href: url, download: 'clawdbot-conversations.json' });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function upload(): void {
  const input = Object.assign(document.createElement('input'), { type: 'file', accept: 'application/json,.json' });
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (!file) return;
    importFrom(file).then(
      (count) => { notice.value = `${count} ${count === 1 ? 'conversation was' : 'conversations were'} imported.`; },
      (error: unknown) => { notice.value = (error as Error).message; },
    );
  });
  input.click();
}

function clear(): void {
  if (confirm('Delete all conversations? They cannot be brought back.')) void removeAll();
}
