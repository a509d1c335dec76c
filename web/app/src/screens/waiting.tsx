/* Between the door and the meeting. */
import type { JSX } from "preact";
import type { Phase } from "../../../core/src/types";
import * as call from "../state/call";
import { app } from "../state/store";
import { t } from "../text";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Badge } from "../ui/identity";
import { Page } from "./page";

type Waiting = keyof typeof t.waiting.phases;

const isWaiting = (phase: Phase): phase is Waiting => phase in t.waiting.phases;

export function WaitingRoom(): JSX.Element {
  const { phase, info, name, label } = app.value;
  const [title, text] = t.waiting.phases[isWaiting(phase) ? phase : "connecting"];
  return (
    <Page narrow>
      <section class="card roomy waiting" aria-live="polite">
        <span class={`pulse ${phase}`}>
          <Icon
            name={phase === "in-lobby" || phase === "not-started" ? "door" : "lock-check"}
            size={30}
          />
        </span>
        {info !== null && <p class="kicker plain">{info.title}</p>}
        <h1>{title}</h1>
        <p class="note">{text}</p>
        {info !== null && (
          <p class="organiser">
            {t.waiting.organiser(info.organiser)} <Badge identity={info.organiserIdentity} />
          </p>
        )}
        <p class="note">{t.waiting.asYou(name || t.common.unnamed, label)}</p>
        <Button onClick={() => void call.leave()}>{t.waiting.leave}</Button>
      </section>
    </Page>
  );
}
