// A modal dialog on the platform's own element, which holds the focus and closes with Escape.
import { X } from 'lucide-preact';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Properties {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: Properties) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    element.showModal();
    // Closed before it is taken out of the page, it gives the focus back to where it was.
    return () => {
      element.close();
      refocus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" onClose={onClose}
      onClick={(event) => { if (event.target === dialog.current) dialog.current!.close(); }}>
      <div class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button class="icon-button" aria-label="Close" onClick={() => dialog.current!.close()}><X size={18} /></button>
      </div>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** Chromium leaves a text box that a closed dialog gave the focus back to without its keyboard input until it is focused anew. */
function refocus(): void {
  const { activeElement } = document;
  if (!(activeElement instanceof HTMLElement) || activeElement === document.body) return;
  activeElement.blur();
  activeElement.focus({ preventScroll: true });
}
