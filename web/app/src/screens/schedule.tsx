/* A meeting for later: its title, its time, who comes in; then its invitation. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { MeetingPlan } from "../../../core/src/types";
import * as flow from "../state/flow";
import { calendarFile, type Invitation, invitationText } from "../state/invitation";
import { app } from "../state/store";
import { dateTimeOf, t } from "../text";
import { Button, Check, Choice, CopyButton, Field, ProblemBox, Select } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Dialog } from "../ui/overlay";

const LENGTHS = [15, 30, 45, 60, 90, 120];
const LOCKS = [0, 5, 10, 15];
const EARLY_MS = 15 * 60_000; // people come a little before the time
const KEPT_MS = 30 * 86_400_000;

type Rule = keyof typeof t.schedule.rule;

const RULES: Record<Rule, NonNullable<MeetingPlan["unlocked"]>> = {
  lobby: { member: "lobby", device: "lobby", external: "lobby", guest: "lobby" },
  members: {},
  everybody: { member: "join", device: "join", external: "join", guest: "join" },
};

/* The next full half hour, as the fields want it. */
function nextHalfHour(): [day: string, time: string] {
  const half = 30 * 60_000;
  const at = new Date(Math.ceil(Date.now() / half) * half);
  const two = (n: number) => String(n).padStart(2, "0");
  return [
    `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    `${two(at.getHours())}:${two(at.getMinutes())}`,
  ];
}

function download(invitation: Invitation & { start: number }): void {
  const file = new Blob([calendarFile(invitation, Date.now())], { type: "text/calendar" });
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(file);
  anchor.download = "meeting.ics";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}

function Made(p: { invitation: Invitation & { start: number }; onClose: () => void }): JSX.Element {
  const { invitation } = p;
  return (
    <Dialog
      title={t.invitation.title}
      onClose={p.onClose}
      actions={
        <>
          <Button onClick={() => flow.goTo(invitation.link)}>{t.invitation.open}</Button>
          <Button look="primary" onClick={p.onClose}>
            {t.common.done}
          </Button>
        </>
      }
    >
      <div class="made">
        <span class="made-icon">
          <Icon name="calendar" size={24} />
        </span>
        <div>
          <p class="strong">{invitation.title}</p>
          <p class="note">{dateTimeOf(invitation.start)}</p>
        </div>
      </div>
      <p>{t.invitation.lead}</p>
      <p class="link-box" tabIndex={0}>
        {invitation.link}
      </p>
      <div class="row">
        <CopyButton text={invitation.link} label={t.invitation.copyLink} />
        <CopyButton text={invitationText(invitation)} label={t.invitation.copyText} />
        <Button icon="calendar" onClick={() => download(invitation)}>
          {t.invitation.calendar}
        </Button>
      </div>
    </Dialog>
  );
}

export function Schedule({ onClose }: { onClose: () => void }): JSX.Element {
  const [firstDay, firstTime] = nextHalfHour();
  const [title, setTitle] = useState("");
  const [day, setDay] = useState(firstDay);
  const [time, setTime] = useState(firstTime);
  const [minutes, setMinutes] = useState(30);
  const [rule, setRule] = useState<Rule>("members");
  const [before, setBefore] = useState(false);
  const [lock, setLock] = useState(0);
  const [made, setMade] = useState<(Invitation & { start: number }) | null>(null);

  const start = new Date(`${day}T${time}`).getTime();
  const past = Number.isFinite(start) && start + minutes * 60_000 < Date.now();

  const create = async () => {
    if (past || !Number.isFinite(start)) return;
    const link = await flow.create({
      title: title.trim(),
      notBefore: start - EARLY_MS,
      notAfter: start + KEPT_MS,
      unlocked: RULES[rule],
      joinBeforeHost: before,
      autoLockMinutes: lock,
    });
    if (link !== null) setMade({ title: title.trim(), link, start, minutes });
  };

  if (made !== null) return <Made invitation={made} onClose={onClose} />;
  const { problem, busy } = app.value;
  return (
    <Dialog title={t.schedule.title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        {problem && <ProblemBox {...problem} />}
        <Field
          label={t.schedule.name}
          value={title}
          required
          maxLength={100}
          autofocus
          onInput={setTitle}
        />
        <div class="columns three">
          <Field label={t.schedule.day} type="date" required value={day} onInput={setDay} />
          <Field
            label={t.schedule.time}
            type="time"
            required
            value={time}
            error={past ? t.schedule.past : null}
            onInput={setTime}
          />
          <Select
            label={t.schedule.length}
            value={String(minutes)}
            options={LENGTHS.map((n) => [String(n), t.schedule.minutes(n)] as const)}
            onChange={(value) => setMinutes(Number(value))}
          />
        </div>
        <Choice
          name="rule"
          legend={t.schedule.rules}
          value={rule}
          options={Object.entries(t.schedule.rule)}
          onChange={(value) => setRule(value as Rule)}
        />
        <Check label={t.schedule.joinBeforeHost} checked={before} onChange={setBefore} />
        <Select
          label={t.schedule.autoLock}
          value={String(lock)}
          options={LOCKS.map(
            (n) => [String(n), n === 0 ? t.schedule.never : t.schedule.autoLockMinutes(n)] as const,
          )}
          onChange={(value) => setLock(Number(value))}
        />
        <Button type="submit" look="primary" wide busy={busy}>
          {t.schedule.create}
        </Button>
      </form>
    </Dialog>
  );
}
