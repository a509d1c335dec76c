/* After the meeting: why, and what next. */
import type { JSX } from "preact";
import type { Reason } from "../../../core/src/types";
import type { Feature } from "../state/features";
import * as flow from "../state/flow";
import { app } from "../state/store";
import { t } from "../text";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Page } from "./page";

/* As one wishes, or as it should be; whatever else is a problem to be told. */
const CALM = new Set(["LEFT", "ENDED", "GONE"]);

/* Who was inside comes back; who was not tries again; where joining is a danger neither is offered. */
const CAME_OUT = new Set(["LEFT", "EJECTED", "GONE", "REPLACED", "REMOVED_DISCONNECTED"]);
const NO_RETURN = new Set(["ENDED", "CARD_MISMATCH", "CARD_INVALID", "BROKEN"]);

const LONG = 60; // letters: more is no headline

/** What happened as a headline, the rest below it. */
function wordsOf(end: Reason | null): { title: string; rest: string; next: string } {
  const name = end?.name ?? "LEFT";
  const { text, next } = end ?? { text: "", next: "" };
  if (name === "LEFT") return { title: t.over.LEFT, rest: "", next: "" };
  if (name === "ENDED") return { title: t.over.ENDED, rest: text, next: "" };
  if (name === "EJECTED") return { title: t.over.EJECTED, rest: "", next };
  if (name === "BROKEN") return { title: t.over.BROKEN, rest: text, next: t.over.brokenNext };
  if (text.length > LONG) return { title: t.over.other, rest: text, next };
  return { title: text.replace(/\.$/, ""), rest: "", next };
}

export function Over(): JSX.Element {
  const { end, info, alarmed } = app.value;
  const name = end?.name ?? "LEFT";
  /* After an alarm the server's word that all is over is no comfort. */
  const calm = name === "LEFT" || (CALM.has(name) && !alarmed);
  const { title, rest, next } = wordsOf(end);
  return (
    <Page narrow>
      <section class="card roomy waiting" role={calm ? undefined : "alert"}>
        <span class={calm ? "pulse still" : "pulse still warn"}>
          <Icon name={calm ? "door" : "warning"} size={30} />
        </span>
        {info !== null && <p class="kicker plain">{info.title}</p>}
        <h1>{title}</h1>
        {rest && <p>{rest}</p>}
        {next && <p>{next}</p>}
        <div class="row center">
          <Button look="quiet" onClick={flow.goHome}>
            {t.over.home}
          </Button>
          {name === "BROKEN" && (
            <Button look="primary" onClick={() => location.reload()}>
              {t.over.reload}
            </Button>
          )}
          {!NO_RETURN.has(name) && (
            <Button look="primary" onClick={() => void flow.again()}>
              {CAME_OUT.has(name) ? t.over.again : t.common.retry}
            </Button>
          )}
        </div>
      </section>
    </Page>
  );
}

export function Unsupported({ missing }: { missing: readonly Feature[] }): JSX.Element {
  const { features, next, nextSecure } = t.unsupported;
  return (
    <Page narrow>
      <section class="card roomy" role="alert">
        <h1>{t.unsupported.title}</h1>
        <p>{t.unsupported.lead}</p>
        <ul class="bullets">
          {missing.map((feature) => (
            <li key={feature}>{features[feature]}</li>
          ))}
        </ul>
        <p>{missing.includes("secure") ? nextSecure : next}</p>
      </section>
    </Page>
  );
}
