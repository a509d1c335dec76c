/* The front page: join by a link, sign in, make meetings. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { MeetingEntry } from "../../../core/src/types";
import { copy } from "../state/call";
import * as flow from "../state/flow";
import { app } from "../state/store";
import { groupNumber, t } from "../text";
import { Button, Field, IconButton, ProblemBox } from "../ui/controls";
import { Icon, type IconName } from "../ui/icons";
import { Question } from "../ui/overlay";
import { Page } from "./page";
import { Schedule } from "./schedule";
import { SignIn } from "./sign_in";

function JoinByLink(): JSX.Element {
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        void flow.openLink(text).then(setError);
      }}
    >
      <h2>{t.home.joinTitle}</h2>
      <Field
        label={t.home.joinField}
        hint={t.home.joinHint}
        error={error}
        value={text}
        placeholder={`${location.origin}/m/…#…`}
        required
        onInput={(value) => {
          setText(value);
          setError(null);
        }}
      />
      <Button type="submit" look={app.value.session ? "plain" : "primary"} wide>
        {t.home.join}
      </Button>
    </form>
  );
}

function Tile(p: { icon: IconName; text: string; hint: string; onClick: () => void }): JSX.Element {
  return (
    <button type="button" class="action-tile" disabled={app.value.busy} onClick={p.onClick}>
      <span class="action-icon">
        <Icon name={p.icon} size={22} />
      </span>
      <span class="strong">{p.text}</span>
      <span class="note">{p.hint}</span>
    </button>
  );
}

function MeetingRow({ entry }: { entry: MeetingEntry }): JSX.Element {
  const [asking, setAsking] = useState(false);
  const [note, setNote] = useState<{ text: string; bad: boolean } | null>(null);
  const withLink = async (work: (link: string) => Promise<void> | void) => {
    const link = await flow.keptLink(entry.number);
    if (link === null) setNote({ text: t.home.linkElsewhere, bad: true });
    else await work(link);
  };
  const copyLink = async (link: string) => {
    if (await copy(link)) setNote({ text: t.home.linkCopied, bad: false });
  };
  return (
    <li class="meeting-row">
      <Icon name={entry.personal ? "door" : "calendar"} />
      <div class="person-text">
        <span class="strong">{entry.title}</span>
        <span class="note">
          {entry.personal ? `${t.home.personalRoom} · ` : ""}
          {t.home.number(groupNumber(entry.number))}
        </span>
        {note !== null && (
          <span class={note.bad ? "note error" : "note"} role={note.bad ? "alert" : "status"}>
            {note.text}
          </span>
        )}
      </div>
      <Button
        small
        label={`${t.home.linkKept}: ${entry.title}`}
        onClick={() => void withLink(flow.goTo)}
      >
        {t.home.linkKept}
      </Button>
      <IconButton
        icon="copy"
        small
        label={t.home.copyLink(entry.title)}
        onClick={() => void withLink(copyLink)}
      />
      <IconButton
        icon="trash"
        small
        label={`${t.home.delete}: ${entry.title}`}
        onClick={() => setAsking(true)}
      />
      {asking && (
        <Question
          title={t.home.deleteTitle(entry.title)}
          lead={t.home.deleteLead}
          action={t.home.delete}
          onAnswer={(yes) => {
            setAsking(false);
            if (yes) void flow.deleteMeeting(entry.number);
          }}
        />
      )}
    </li>
  );
}

function SignedIn(): JSX.Element {
  const [scheduling, setScheduling] = useState(false);
  const { meetings } = app.value;
  return (
    <>
      <div class="action-tiles">
        <Tile
          icon="plus"
          text={t.home.newMeeting}
          hint={t.home.newMeetingHint}
          onClick={() => void flow.startNow()}
        />
        <Tile
          icon="calendar"
          text={t.home.schedule}
          hint={t.home.scheduleHint}
          onClick={() => setScheduling(true)}
        />
        <Tile
          icon="door"
          text={t.home.personal}
          hint={t.home.personalHint}
          onClick={() => void flow.openPersonal()}
        />
      </div>
      <section class="card">
        <h2>{t.home.yours}</h2>
        {meetings !== null && meetings.length === 0 && <p class="note">{t.home.none}</p>}
        {meetings !== null && meetings.length > 0 && (
          <ul class="meeting-list">
            {meetings.map((entry) => (
              <MeetingRow key={entry.number} entry={entry} />
            ))}
          </ul>
        )}
      </section>
      {scheduling && <Schedule onClose={() => setScheduling(false)} />}
    </>
  );
}

export function Home(): JSX.Element {
  const { session, problem } = app.value;
  return (
    <Page>
      <div class={session === null ? "home" : "home signed-in"}>
        <div class="hero">
          <h1>{t.home.title}</h1>
          <p class="lead">{t.home.lead}</p>
          {session !== null && <SignedIn />}
        </div>
        <div class="home-side">
          {problem && <ProblemBox {...problem} />}
          <JoinByLink />
          {session === null && <SignIn />}
        </div>
      </div>
    </Page>
  );
}
