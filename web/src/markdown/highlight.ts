// Colours for code, by highlight.js: fetched with the first code that is in a language it knows, plain text until then.
import { signal } from '@preact/signals';

type Highlighter = (code: string, language: string) => string;

/** As models name them; the languages themselves are in languages.ts. */
const NAMES: Readonly<Record<string, string>> = {
  bash: 'bash', sh: 'bash', shell: 'bash', zsh: 'bash', console: 'bash', c: 'c', h: 'c', cpp: 'cpp', 'c++': 'cpp', cc: 'cpp', hpp: 'cpp',
  cs: 'csharp', csharp: 'csharp', 'c#': 'csharp', css: 'css', diff: 'diff', patch: 'diff', go: 'go', golang: 'go', ini: 'ini', toml: 'ini',
  java: 'java', js: 'javascript', javascript: 'javascript', jsx: 'javascript', mjs: 'javascript', node: 'javascript', json: 'json', jsonc: 'json',
  md: 'markdown', markdown: 'markdown', php: 'php', py: 'python', python: 'python', python3: 'python', rb: 'ruby', ruby: 'ruby', rs: 'rust',
  rust: 'rust', sql: 'sql', ts: 'typescript', typescript: 'typescript', tsx: 'typescript', html: 'xml', xml: 'xml', svg: 'xml', yaml: 'yaml', yml: 'yaml',
};

/** While a reply streams, its last block is coloured anew with every piece. */
const LONGEST_CODE = 20_000;

const highlighter = signal<Highlighter | undefined>(undefined);
let loading: Promise<void> | undefined;

/** Safe HTML, or undefined where the code is to be shown as it is. Whoever shows it is told through a signal when colours come. */
export function highlighted(code: string, name: string): string | undefined {
  const key = name.toLowerCase();
  const language = Object.hasOwn(NAMES, key) ? NAMES[key]! : undefined;
  if (language === undefined || code.length > LONGEST_CODE) return undefined;
  if (highlighter.value) return highlighter.value(code, language);
  // Without a network, code stays plain.
  loading ??= import('./languages.ts').then(({ highlight }) => { highlighter.value = highlight; }, () => undefined);
  return undefined;
}
