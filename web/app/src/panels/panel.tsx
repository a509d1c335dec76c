/* The frame of what stands beside the stage; on a narrow screen it covers it. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Panel } from "../state/model";
import { dispatch } from "../state/store";
import { t } from "../text";
import { IconButton } from "../ui/controls";
import { useFocusBack, useFocusKept } from "../ui/focus";

export const closePanel = (): void => {
  dispatch({ type: "panel", panel: null });
};

export function PanelFrame(p: {
  panel: Panel;
  title: string;
  children: ComponentChildren;
  tools?: ComponentChildren;
}): JSX.Element {
  const ref = useRef<HTMLElement>(null);
  useFocusBack(() => document.querySelector(`[data-panel=${p.panel}]`));
  const kept = useFocusKept(ref);
  useEffect(() => {
    /* The keyboard goes on from here, unless a field has it already. */
    if (!ref.current?.contains(document.activeElement)) ref.current?.focus();
  }, []);
  return (
    <aside
      class="panel"
      ref={ref}
      tabIndex={-1}
      aria-label={p.title}
      {...kept}
      onKeyDown={(event) => {
        if (event.key === "Escape") closePanel();
      }}
    >
      <header class="panel-head">
        <h2>{p.title}</h2>
        {p.tools}
        <IconButton icon="close" label={t.common.close} small onClick={closePanel} />
      </header>
      {p.children}
    </aside>
  );
}
