/* What is to be known now. The quiet goes by itself; warnings a little later; an alarm, and whatever
 * asks for comparing codes, stays until somebody has seen it. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Notice } from "../state/model";
import { app, dispatch, set } from "../state/store";
import { t } from "../text";
import { Button, IconButton } from "./controls";
import { Icon } from "./icons";

const SHOWN_MS = { info: 5000, warning: 12_000, alarm: 12_000 } as const; // unless it stays

const dismiss = (key: number): void => dispatch({ type: "dismiss", key });

function Toast({ notice }: { notice: Notice }): JSX.Element {
  const alarm = notice.severity === "alarm";
  useEffect(() => {
    if (notice.stays) return;
    const timer = setTimeout(() => dismiss(notice.key), SHOWN_MS[notice.severity]);
    return () => clearTimeout(timer);
  }, [notice.key]);
  const compare = () => {
    set({ infoTab: "security" });
    dispatch({ type: "panel", panel: "info" });
    dismiss(notice.key);
  };
  return (
    <div class={`toast ${notice.severity}`} role={alarm ? "alert" : "status"}>
      <Icon name={alarm ? "lock-warning" : notice.severity === "info" ? "info" : "warning"} />
      <div class="toast-text">
        {alarm && <p class="kicker">{t.notice.alarm}</p>}
        <p class="strong">{notice.title}</p>
        {notice.next && <p>{notice.next}</p>}
        {notice.stays && app.value.phase === "in-meeting" && (
          <Button small onClick={compare}>
            {t.notice.compare}
          </Button>
        )}
      </div>
      <IconButton icon="close" small label={t.notice.dismiss} onClick={() => dismiss(notice.key)} />
    </div>
  );
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts">
      {app.value.toasts.map((n) => (
        <Toast key={n.key} notice={n} />
      ))}
    </div>
  );
}

/** What happens, in words, for who does not see it. */
export function Captions(): JSX.Element {
  return (
    <div class="hidden" role="log" aria-live="polite">
      {app.value.captions.map((line) => (
        <p key={line.key}>{line.text}</p>
      ))}
    </div>
  );
}
