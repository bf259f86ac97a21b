// A GGUF file dropped anywhere on the page is opened.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { addModel } from '../chat/model-actions.ts';
import { backend, notice } from '../chat/state.ts';

export function FileDrop() {
  const isOver = useSignal(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent): void => {
      if (!hasFiles(event) || !backend.value?.addModel) return;
      event.preventDefault();
      isOver.value = true;
    };
    const leave = (event: DragEvent): void => { if (event.relatedTarget === null) isOver.value = false; };
    const drop = (event: DragEvent): void => {
      isOver.value = false;
      const [file] = event.dataTransfer?.files ?? [];
      if (!file || !backend.value?.addModel) return;
      event.preventDefault();
      addModel(file).catch((error: unknown) => { notice.value = (error as Error).message; });
    };
    const listeners = [['dragover', over], ['dragleave', leave], ['drop', drop]] as const;
    for (const [name, listener] of listeners) addEventListener(name, listener);
    return () => { for (const [name, listener] of listeners) removeEventListener(name, listener); };
  }, []);
  return isOver.value ? <div class="file-drop" aria-hidden="true">Drop a GGUF file to open it</div> : null;
}
