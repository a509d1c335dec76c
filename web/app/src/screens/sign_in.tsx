import type { JSX } from "preact";
import { useState } from "preact/hooks";
import * as flow from "../state/flow";
import type { Problem } from "../state/model";
import { app } from "../state/store";
import { t } from "../text";
import { Button, Field, ProblemBox } from "../ui/controls";

export function SignIn({ plain }: { plain?: boolean }): JSX.Element {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [create, setCreate] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { busy, signUp } = app.value;
  return (
    <form
      class={plain ? "stack" : "card"}
      onSubmit={(event) => {
        event.preventDefault();
        void flow.signIn(email.trim(), password, create).then(setProblem);
      }}
    >
      <h2>{create ? t.signIn.signUp : t.signIn.title}</h2>
      <p class="note">{create ? t.signIn.signUpLead : t.signIn.lead}</p>
      <Field
        label={t.signIn.email}
        type="email"
        autocomplete="username"
        required
        value={email}
        onInput={setEmail}
      />
      <Field
        label={t.signIn.password}
        type="password"
        autocomplete={create ? "new-password" : "current-password"}
        hint={create ? t.signIn.newPasswordHint : undefined}
        required
        value={password}
        onInput={setPassword}
      />
      {problem && <ProblemBox {...problem} />}
      <Button type="submit" look={plain ? "primary" : "plain"} wide busy={busy}>
        {create ? t.signIn.signUp : t.signIn.submit}
      </Button>
      {signUp && (
        <button
          type="button"
          class="link"
          onClick={() => {
            setCreate(!create);
            setProblem(null);
          }}
        >
          {create ? t.signIn.toSignIn : t.signIn.toSignUp}
        </button>
      )}
    </form>
  );
}
