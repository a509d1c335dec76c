/* Where the keyboard goes on when what had it is gone. */
import { type RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

export const focusIsLost = (): boolean =>
  document.activeElement === null || document.activeElement === document.body;

const canTake = (e: Element | null): e is HTMLElement =>
  e instanceof HTMLElement && e.isConnected && e !== document.body && e.offsetParent !== null;

/** What had the focus when this was shown has it again afterwards, or else what `other` finds. */
export function useFocusBack(other?: () => Element | null): void {
  const opener = useRef<Element | null>(null);
  if (opener.current === null) opener.current = document.activeElement;
  useEffect(
    () => () =>
      /* It is told before it is gone. */
      queueMicrotask(() => {
        if (focusIsLost()) [opener.current, other?.() ?? null].find(canTake)?.focus();
      }),
    [],
  );
}

/** Rows come and go: if the one with the focus has gone, what is around it has it. */
export function useFocusKept(around: RefObject<HTMLElement>): { onFocusIn: () => void } {
  const inside = useRef(false);
  useEffect(() => {
    if (inside.current && focusIsLost()) around.current?.focus();
    else inside.current = around.current?.contains(document.activeElement) ?? false;
  });
  return { onFocusIn: () => (inside.current = true) };
}
