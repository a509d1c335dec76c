/* What lies over the rest: dialogs and menus. Escape closes each; the focus goes back. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../text";
import { Button, IconButton } from "./controls";
import { useFocusBack } from "./focus";
import { Icon, type IconName } from "./icons";

export function Dialog(p: {
  title: string;
  children: ComponentChildren;
  actions?: ComponentChildren;
  wide?: boolean;
  onClose: () => void;
}): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useFocusBack();
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class={p.wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onClose={p.onClose}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.stopPropagation(); /* it closes this, and this alone */
      }}
      onClick={(event) => {
        if (event.target === ref.current) ref.current?.close();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{p.title}</h2>
          <IconButton
            icon="close"
            label={t.common.close}
            small
            onClick={() => ref.current?.close()}
          />
        </header>
        {p.children}
        {p.actions && <footer>{p.actions}</footer>}
      </div>
    </dialog>
  );
}

export function Question(p: {
  title: string;
  lead: string;
  action: string;
  onAnswer: (yes: boolean) => void;
}): JSX.Element {
  return (
    <Dialog
      title={p.title}
      onClose={() => p.onAnswer(false)}
      actions={
        <>
          <Button onClick={() => p.onAnswer(false)}>{t.common.cancel}</Button>
          <Button look="danger" onClick={() => p.onAnswer(true)}>
            {p.action}
          </Button>
        </>
      }
    >
      <p>{p.lead}</p>
    </Dialog>
  );
}

export interface MenuItem {
  readonly text: string;
  readonly icon: IconName;
  readonly danger?: boolean;
  readonly checked?: boolean;
  readonly narrow?: boolean; // only where the screen is too narrow for a button of its own
  readonly onSelect: () => void;
}

/** Whether all of a list that was just opened downwards can be seen, in the panel it is in. */
function fitsBelow(list: HTMLElement | null): boolean {
  if (list === null) return true;
  const edge = list.closest(".panel-body")?.getBoundingClientRect().bottom ?? innerHeight;
  return list.getBoundingClientRect().bottom <= edge;
}

/** A button that opens a list of actions (WAI-ARIA menu button). */
export function Menu(p: {
  label: string;
  icon: IconName;
  items: readonly MenuItem[];
  look?: string;
  small?: boolean;
  caption?: string;
  up?: boolean;
  head?: (close: () => void) => ComponentChildren; // above the items
}): JSX.Element {
  const [open, setOpen] = useState(false);
  const [up, setUp] = useState(p.up ?? false);
  const root = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const buttons = () => {
    const all = root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [];
    return [...all].filter((item) => item.offsetParent !== null);
  };
  const focusOpener = () => root.current?.querySelector<HTMLElement>("button")?.focus();

  const close = () => {
    setOpen(false);
    focusOpener();
  };

  /* At once: a key that comes before the next picture is for the menu already. */
  useLayoutEffect(() => {
    if (!open) return;
    if (!p.up) setUp(!fitsBelow(list.current));
    buttons()[0]?.focus();
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    const all = buttons();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = {
      ArrowDown: at + 1,
      ArrowRight: at + 1,
      ArrowUp: at - 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (to !== undefined) {
      all[(to + all.length) % all.length]?.focus();
      event.preventDefault();
    } else if (event.key === "Escape" || event.key === "Tab") {
      close();
      event.stopPropagation();
    }
  };

  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        class={`${p.caption ? "control" : "icon-button"} ${p.look ?? ""} ${p.small ? "small" : ""}`}
        aria-label={p.label}
        title={p.label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => {
          setUp(p.up ?? false);
          setOpen(!open);
        }}
      >
        <Icon name={p.icon} size={p.small ? 18 : 20} />
        {p.caption && <span class="caption">{p.caption}</span>}
      </button>
      {open && (
        <div ref={list} class={up ? "menu-list up" : "menu-list"} role="menu" aria-label={p.label}>
          {p.head?.(close)}
          {p.items.map((item) => (
            <button
              key={item.text}
              type="button"
              tabIndex={-1}
              role={item.checked === undefined ? "menuitem" : "menuitemradio"}
              aria-checked={item.checked}
              class={`${item.danger ? "danger" : ""} ${item.narrow ? "narrow" : ""}`}
              onClick={() => {
                close();
                item.onSelect();
              }}
            >
              <Icon name={item.icon} size={18} />
              <span>{item.text}</span>
              {item.checked && <Icon name="check" size={16} />}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
