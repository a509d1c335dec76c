/* After the meeting: why, and what next. */
import type { JSX } from "preact";
import * as flow from "../state/flow";
import { app } from "../state/store";
import { t } from "../text";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Page } from "./page";

/* As one wishes, or as it should be; whatever else is a problem to be told. */
const CALM = new Set(["LEFT", "ENDED", "GONE"]);

const titleOf = (name: string): string =>
  name === "LEFT" || name === "ENDED" || name === "EJECTED" ? t.over[name] : t.over.other;

export function Over(): JSX.Element {
  const { end, info } = app.value;
  const name = end?.name ?? "LEFT";
  const calm = CALM.has(name);
  return (
    <Page narrow>
      <section class="card roomy waiting" role={calm ? undefined : "alert"}>
        <span class={calm ? "pulse still" : "pulse still warn"}>
          <Icon name={calm ? "door" : "warning"} size={30} />
        </span>
        {info !== null && <p class="kicker plain">{info.title}</p>}
        <h1>{titleOf(name)}</h1>
        {end !== null && name !== "LEFT" && (
          <p class="note">
            {end.text} {end.next}
          </p>
        )}
        <div class="row center">
          <Button look="quiet" onClick={flow.goHome}>
            {t.over.home}
          </Button>
          {name !== "ENDED" && (
            <Button look="primary" onClick={() => void flow.again()}>
              {t.over.again}
            </Button>
          )}
        </div>
      </section>
    </Page>
  );
}

export function Unsupported({ missing }: { missing: readonly string[] }): JSX.Element {
  const names: Readonly<Record<string, string>> = t.unsupported.features;
  return (
    <Page narrow>
      <section class="card roomy" role="alert">
        <h1>{t.unsupported.title}</h1>
        <p>{t.unsupported.lead}</p>
        <ul class="bullets">
          {missing.map((feature) => (
            <li key={feature}>{names[feature] ?? feature}</li>
          ))}
        </ul>
        <p>{t.unsupported.next}</p>
      </section>
    </Page>
  );
}
