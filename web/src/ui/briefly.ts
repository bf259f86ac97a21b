// A state of a component that ends by itself after a while.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

interface Briefly {
  readonly isOn: boolean;
  /** From now on for the whole while, also where it is on already. */
  begin(): void;
  end(): void;
}

export function useBriefly(ms: number): Briefly {
  const isOn = useSignal(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const end = (): void => {
    clearTimeout(timer.current);
    isOn.value = false;
  };
  const begin = (): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(end, ms);
    isOn.value = true;
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return { isOn: isOn.value, begin, end };
}
