// Markdown as elements: finished blocks are left alone while the last one grows. Code gets a button that copies it.
import { Check, Copy } from 'lucide-preact';
import { memo } from 'preact/compat';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { notice } from '../chat/state.ts';
import { canDrawMath, drawMath } from '../markdown/math.ts';
import { blocksOf, renderBlock } from '../markdown/render.ts';
import { useBriefly } from './briefly.ts';

export function Markdown({ text, isStreaming = false }: { text: string; isStreaming?: boolean }) {
  return (
    <div class={`markdown${isStreaming ? ' is-streaming' : ''}`}>
      {blocksOf(text).map((block, index) => <Block key={index} block={block} />)}
    </div>
  );
}

const Block = memo(function Block({ block }: { block: string }) {
  const html = renderBlock(block);
  const element = useRef<HTMLDivElement>(null);
  const canDraw = canDrawMath();
  useLayoutEffect(() => drawMath(element.current!), [html, canDraw]);
  const code = /^<pre/.test(html);
  const content = <div ref={element} dangerouslySetInnerHTML={{ __html: html }} />;
  return code ? <div class="code-block"><CodeBar html={html} block={block} />{content}</div> : content;
});

function CodeBar({ html, block }: { html: string; block: string }) {
  const language = /^<pre data-language="([^"]*)"/.exec(html)?.[1] ?? '';
  const code = block.replace(/^\s*(`{3,}|~{3,})[^\n]*\n?/, '').replace(/\n?(`{3,}|~{3,})\s*$/, '');
  return <div class="code-bar"><span>{language || 'text'}</span><CopyButton text={code} label="Copy code" /></div>;
}

const DONE_MS = 1500;

/** Says for a moment that it has been done. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const done = useBriefly(DONE_MS);
  const copy = async (): Promise<void> => {
    try {
      await writeClipboard(text);
    } catch (error) {
      notice.value = `Nothing was copied: ${(error as Error).message}`;
      return;
    }
    done.begin();
  };
  return (
    <button class="icon-button small" aria-label={done.isOn ? 'Copied' : label} title={label} onClick={() => void copy()}>
      {done.isOn ? <Check size={15} /> : <Copy size={15} />}
    </button>
  );
}

/** The clipboard's own interface is there on secure origins only. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return await navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement('textarea'), { value: text });
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('the browser does not allow it.');
}
