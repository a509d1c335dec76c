/* Who is here, who waits, and what a host may do about it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Person, Waiting } from "../../../core/src/types";
import { attempt } from "../state/call";
import { mayEject, mayHost, mayMakeCohost } from "../state/model";
import { matches } from "../state/search";
import { app, set } from "../state/store";
import { t } from "../text";
import { Button, IconButton } from "../ui/controls";
import { Icon, type IconName } from "../ui/icons";
import { Avatar, IdentityBadge, SameNameMark } from "../ui/identity";
import { Menu, type MenuItem, Question } from "../ui/overlay";
import { PanelFrame } from "./panel";

/* ---- The lobby ---- */

function WaitingRow({ entry }: { entry: Waiting }): JSX.Element {
  const name = entry.name || t.common.unnamed;
  return (
    <li class="person">
      <Avatar name={entry.name} size="small" />
      <div class="person-text">
        <span class="person-name">{name}</span>
        <IdentityBadge
          identity={entry.identity}
          name={name}
          who={entry.ref}
          sameName={entry.sameName}
        />
        {entry.sameName && <SameNameMark />}
      </div>
      <div class="person-tools">
        <IconButton
          icon="close"
          small
          label={t.lobby.refuseName(name)}
          onClick={() => void attempt((m) => m.refuse(entry.ref))}
        />
        <Button
          small
          look="primary"
          label={t.lobby.admitName(name)}
          onClick={() => void attempt((m) => m.admit(entry.ref))}
        >
          {t.lobby.admit}
        </Button>
      </div>
    </li>
  );
}

function WaitingGroup(p: { title: string; entries: readonly Waiting[] }): JSX.Element | null {
  if (p.entries.length === 0) return null;
  return (
    <>
      <h4>{p.title}</h4>
      <ul class="people">
        {p.entries.map((entry) => (
          <WaitingRow key={entry.ref} entry={entry} />
        ))}
      </ul>
    </>
  );
}

function Lobby(): JSX.Element | null {
  const s = app.value;
  if (s.lobby.length === 0 || !mayHost(s)) return null;
  const inside = s.lobby.filter((w) => w.identity.inOrganisation);
  const guests = s.lobby.filter((w) => !w.identity.inOrganisation);
  return (
    <section class="lobby" aria-labelledby="lobby-title">
      <header>
        <h3 id="lobby-title">{t.lobby.title(s.lobby.length)}</h3>
        {s.lobby.length > 1 && (
          <Button small onClick={() => void attempt((m) => m.admitAll())}>
            {t.lobby.admitAll}
          </Button>
        )}
      </header>
      <WaitingGroup title={t.lobby.organisation} entries={inside} />
      <WaitingGroup title={t.lobby.guests} entries={guests} />
    </section>
  );
}

/* ---- Members ---- */

function itemsFor(person: Person, askEject: () => void): MenuItem[] {
  const s = app.value;
  const pinned = s.pinned === person.leaf;
  const items: MenuItem[] = [
    {
      text: pinned ? t.people.unpin : t.people.pin,
      icon: "pin",
      onSelect: () => set({ pinned: pinned ? null : person.leaf }),
    },
  ];
  if (mayHost(s) && !person.me && person.sends?.audio === true)
    items.push({
      text: t.people.mute,
      icon: "mic-off",
      onSelect: () => void attempt((m) => m.askMute(person.leaf)),
    });
  if (mayMakeCohost(s, person)) {
    const cohost = person.role === "cohost";
    items.push({
      text: cohost ? t.people.endCohost : t.people.makeCohost,
      icon: "star",
      onSelect: () => void attempt((m) => m.makeCohost(person.leaf, !cohost)),
    });
  }
  if (mayEject(s, person))
    items.push({ text: t.people.eject, icon: "eject", danger: true, onSelect: askEject });
  return items;
}

function Mark(p: { icon: IconName; text: string; look?: string }): JSX.Element {
  return (
    <span class={`mark ${p.look ?? ""}`} role="img" aria-label={p.text} title={p.text}>
      <Icon name={p.icon} size={18} />
    </span>
  );
}

/* Others' by their own word, which may not have come yet. */
function Sending({ person }: { person: Person }): JSX.Element | null {
  const { sends } = person;
  if (sends === null) return null;
  const speaking = sends.audio && app.value.speakers.includes(person.leaf);
  return (
    <>
      {sends.screen && <Mark icon="share" text={t.people.shares} />}
      <Mark
        icon={sends.audio ? "mic" : "mic-off"}
        text={speaking ? t.people.speaking : t.people.sound(sends.audio)}
        look={speaking ? "speaking" : sends.audio ? "" : "off"}
      />
      <Mark
        icon={sends.camera ? "camera" : "camera-off"}
        text={t.people.video(sends.camera)}
        look={sends.camera ? "" : "off"}
      />
    </>
  );
}

function PersonRow({ person }: { person: Person }): JSX.Element {
  const [asking, setAsking] = useState(false);
  const name = person.name || t.common.unnamed;
  const notes = [t.people.roles[person.role], person.me ? t.people.me : ""].filter((n) => n !== "");
  return (
    <li class={`person ${person.connected ? "" : "away"}`}>
      <Avatar name={person.name} size="small" />
      <div class="person-text">
        <span class="person-name">{name}</span>
        <IdentityBadge
          identity={person.identity}
          name={name}
          who={person.leaf}
          sameName={person.sameName}
        />
        {person.sameName && <SameNameMark />}
        {notes.length > 0 && <span class="person-notes">{notes.join(", ")}</span>}
      </div>
      <div class="person-tools">
        {person.hand && <Mark icon="hand" text={t.people.handUp} look="hand" />}
        {person.connected ? (
          <Sending person={person} />
        ) : (
          <Mark icon="away" text={t.people.away} look="off" />
        )}
        <Menu
          label={t.people.actions(name)}
          icon="more"
          small
          items={itemsFor(person, () => setAsking(true))}
        />
      </div>
      {asking && (
        <Question
          title={t.people.ejectQuestion(name)}
          lead={t.people.ejectLead}
          action={t.people.eject}
          onAnswer={(yes) => {
            setAsking(false);
            if (yes) void attempt((m) => m.eject(person.leaf));
          }}
        />
      )}
    </li>
  );
}

const RANK = { organiser: 0, host: 1, cohost: 2, attendee: 3 } as const;

/** Oneself first, hands before others, hosts before guests; then by name. */
const inOrder = (a: Person, b: Person): number =>
  Number(b.me) - Number(a.me) ||
  Number(b.hand) - Number(a.hand) ||
  RANK[a.role] - RANK[b.role] ||
  a.name.localeCompare(b.name, t.language, { numeric: true });

function HostTools(): JSX.Element | null {
  const s = app.value;
  if (!mayHost(s)) return null;
  const locked = s.info?.locked ?? false;
  return (
    <div class="panel-foot">
      <Button wide icon="mic-off" onClick={() => void attempt((m) => m.askMute(null))}>
        {t.people.muteAll}
      </Button>
      <Button
        wide
        icon={locked ? "unlock" : "lock"}
        onClick={() => void attempt((m) => m.lock(!locked))}
      >
        {locked ? t.people.unlock : t.people.lock}
      </Button>
    </div>
  );
}

export function PeoplePanel(): JSX.Element {
  const [query, setQuery] = useState("");
  const s = app.value;
  const found = s.roster.filter((p) => matches(p, query)).sort(inOrder);
  return (
    <PanelFrame panel="people" title={t.people.title(s.roster.length)}>
      <div class="panel-body">
        <Lobby />
        {s.info?.locked && (
          <p class="locked-note">
            <Icon name="lock" size={16} /> {t.people.locked}
          </p>
        )}
        <div class="search">
          <Icon name="search" size={18} />
          <input
            type="search"
            aria-label={t.people.search}
            placeholder={t.people.search}
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
        </div>
        <ul class="people" aria-label={t.meeting.people}>
          {found.map((p) => (
            <PersonRow key={p.leaf} person={p} />
          ))}
        </ul>
        {found.length === 0 && <p class="empty">{t.people.nobody}</p>}
      </div>
      <HostTools />
    </PanelFrame>
  );
}
