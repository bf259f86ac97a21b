// Finds formulas in Markdown: $…$ and \(…\) within a line, $$…$$ and \[…\] on their own. math.ts draws them.
import type { TokenizerAndRendererExtension } from 'marked';

/** No digit after the second $: "$5 or $10" are prices. Lengths are bounded, so that marks without an end cost little. */
const INLINE = /^(?:\$(?![\s$])((?:\\.|[^\\$\n]){1,2000}?)(?<!\s)\$(?![\d$])|\\\((.{1,2000}?)\\\))/;
const DISPLAY = /^(?:\$\$([^]{1,4000}?)\$\$|\\\[([^]{1,4000}?)\\\])/;
const ALONE = /^ {0,3}(?:\$\$([^]{1,4000}?)\$\$|\\\[([^]{1,4000}?)\\\])[ \t]*(?:\n+|$)/;

type Escape = (text: string) => string;

/** Each becomes an element with the formula as it was written, which is also what is shown where it cannot be drawn. */
export function mathExtensions(escapeHtml: Escape): TokenizerAndRendererExtension[] {
  const extension = (name: string, level: 'block' | 'inline', pattern: RegExp, start: RegExp): TokenizerAndRendererExtension => ({
    name, level,
    start: (source) => { const index = source.search(start); return index < 0 ? undefined : index; },
    tokenizer(source) {
      const found = pattern.exec(source);
      return found ? { type: name, raw: found[0], formula: (found[1] ?? found[2])!.trim() } : undefined;
    },
    renderer({ raw, formula }) {
      const kind = name === 'inline-math' ? 'inline' : 'display';
      const html = `<span data-math="${kind}" title="${escapeHtml(formula as string)}">${escapeHtml(raw.trim())}</span>`;
      return level === 'block' ? `<p>${html}</p>` : html;
    },
  });
  return [
    extension('block-math', 'block', ALONE, /(?<=\n) {0,3}(?:\$\$|\\\[)/),
    extension('display-math', 'inline', DISPLAY, /\$\$|\\\[/),
    extension('inline-math', 'inline', INLINE, /\$|\\\(/),
  ];
}
