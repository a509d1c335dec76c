/* The frame of all screens but the meeting: brand, who is signed in, one thing to do. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import * as flow from "../state/flow";
import { app } from "../state/store";
import { t } from "../text";
import { Button } from "../ui/controls";
import { focusIsLost } from "../ui/focus";
import { Logo } from "../ui/icons";

export function Page(p: { children: ComponentChildren; narrow?: boolean }): JSX.Element {
  const { session } = app.value;
  const main = useRef<HTMLElement>(null);
  /* Another screen is read from its start, unless a field of it has the focus already. */
  useEffect(() => {
    if (focusIsLost()) main.current?.focus();
  }, []);
  return (
    <div class="page">
      <header class="page-head">
        <a
          class="brand"
          href="/"
          onClick={(event) => {
            event.preventDefault();
            flow.goHome();
          }}
        >
          <Logo />
          <span>{t.product}</span>
        </a>
        {session !== null && (
          <div class="account">
            <span class="account-name" title={t.home.hello(session.identifier)}>
              {session.identifier}
            </span>
            <Button small look="quiet" onClick={() => void flow.signOut()}>
              {t.home.signOut}
            </Button>
          </div>
        )}
      </header>
      <main ref={main} tabIndex={-1} class={p.narrow ? "page-main narrow" : "page-main"}>
        {p.children}
      </main>
    </div>
  );
}
