// Markdown to safe HTML, block by block, so that while a reply streams only its last block is made anew.
import DOMPurify from 'dompurify';
import { Marked } from 'marked';
import { highlighted } from './highlight.ts';
import { mathExtensions } from './math-syntax.ts';

const marked = new Marked({
  extensions: mathExtensions(escapeHtml),
  gfm: true,
  breaks: true,
  renderer: {
    // A picture from elsewhere would tell its host who reads this; its address is shown as a link instead.
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`,
    code: ({ text, lang }) => {
      const language = (lang ?? '').split(/\s/, 1)[0]!;
      return `<pre data-language="${escapeHtml(language)}"><code>${highlighted(text, language) ?? escapeHtml(text)}</code></pre>`;
    },
    // marked's own has no name.
    checkbox: ({ checked }) => `<input type="checkbox" disabled${checked ? ' checked aria-label="Done"' : ' aria-label="Not done"'}> `,
    // A model's HTML is text: what it wrote is shown.
    html: ({ text }) => escapeHtml(text),
  },
});

const purifier = DOMPurify(window);
purifier.addHook('afterSanitizeAttributes', (node) => {
  // What may be wider than the page is scrolled by keyboard too.
  if (node.tagName === 'TABLE' || node.tagName === 'PRE') node.setAttribute('tabindex', '0');
  if (node.tagName !== 'A') return;
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer');
});

const ALLOWED = {
  ALLOWED_TAGS: [
    'a', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'input', 'li', 'ol', 'p', 'pre',
    'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul',
  ],
  ALLOWED_ATTR: ['href', 'title', 'start', 'align', 'type', 'checked', 'disabled', 'class', 'data-language', 'data-math'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#)/i,
  // No addresses: the expression is not for their values.
  ADD_URI_SAFE_ATTR: ['start', 'align', 'type', 'class', 'data-language', 'data-math'],
};

/** The text's top-level blocks as they are written. */
export function blocksOf(text: string): string[] {
  return marked.lexer(text).map(({ raw }) => raw).filter((raw) => raw.trim() !== '');
}

export function renderBlock(block: string): string {
  return purifier.sanitize(marked.parse(block, { async: false }), ALLOWED);
}

/** What is read aloud: the text without its marks, a line a block. */
export function plainText(markdown: string): string {
  return blocksOf(markdown).map((block) => {
    const element = document.createElement('div');
    element.innerHTML = renderBlock(block);
    for (const box of element.querySelectorAll('input')) box.replaceWith(`${box.getAttribute('aria-label')}: `);
    return element.textContent.trim();
  }).join('\n');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
