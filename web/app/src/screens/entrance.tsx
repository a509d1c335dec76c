/* At the door of a meeting: who do you want to be in it? */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import * as flow from "../state/flow";
import { app, set } from "../state/store";
import { groupNumber, t } from "../text";
import { Button, Field, ProblemBox } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Page } from "./page";
import { SignIn } from "./sign_in";

function NameForm(p: { guest: boolean }): JSX.Element {
  const [name, setName] = useState(app.value.name);
  const [error, setError] = useState<string | null>(null);
  const go = () => {
    if (name.trim() === "" && p.guest) setError(t.entrance.nameNeeded);
    else if (!flow.nameFits(name.trim())) setError(t.entrance.nameTooLong);
    else void flow.toDevices(name, p.guest);
  };
  return (
    <form
      class="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      <Field
        label={t.entrance.name}
        hint={t.entrance.nameHint}
        error={error}
        value={name}
        autocomplete="name"
        required={p.guest}
        autofocus
        onInput={(value) => {
          setName(value);
          set({ name: value }); /* kept for who signs in after all */
          setError(null);
        }}
      />
      <Button type="submit" look="primary" wide>
        {t.entrance.continue}
      </Button>
    </form>
  );
}

function Who(p: { icon: "verified" | "unverified"; title: string; hint: string }): JSX.Element {
  return (
    <div class={`who ${p.icon}`}>
      <Icon name={p.icon} size={22} />
      <div>
        <p class="strong">{p.title}</p>
        <p class="note">{p.hint}</p>
      </div>
    </div>
  );
}

export function Entrance(): JSX.Element {
  const { session, number, problem } = app.value;
  const [way, setWay] = useState<"guest" | "account">("guest");
  return (
    <Page narrow>
      <section class="card roomy">
        <p class="kicker">
          <Icon name="lock-check" size={16} /> {t.entrance.e2e}
        </p>
        <h1>{t.entrance.title}</h1>
        <p class="note">{t.entrance.number(groupNumber(number))}</p>
        {problem && <ProblemBox {...problem} />}
        {session !== null ? (
          <>
            <Who
              icon="verified"
              title={t.entrance.signedIn(session.identifier)}
              hint={t.entrance.signInHint}
            />
            <NameForm guest={false} />
            <button type="button" class="link" onClick={() => void flow.signOut()}>
              {t.entrance.otherAccount}
            </button>
          </>
        ) : way === "guest" ? (
          <>
            <Who icon="unverified" title={t.entrance.guest} hint={t.entrance.guestHint} />
            <NameForm guest />
            <p class="or">
              <span>{t.entrance.or}</span>
            </p>
            <Button icon="verified" wide onClick={() => setWay("account")}>
              {t.entrance.signIn}
            </Button>
            <p class="note center">{t.entrance.signInHint}</p>
          </>
        ) : (
          <>
            <SignIn plain />
            <button type="button" class="link" onClick={() => setWay("guest")}>
              {t.entrance.guest}
            </button>
          </>
        )}
      </section>
    </Page>
  );
}
