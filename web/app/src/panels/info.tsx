/* What this meeting is, and how it is protected. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type AppState, asksToCompare, type InfoTab, type Notice } from "../state/model";
import { invitationText } from "../state/invitation";
import { spell } from "../state/spell";
import { app, dispatch, set } from "../state/store";
import { dateTimeOf, groupNumber, t, timeOf } from "../text";
import { Button, CopyButton } from "../ui/controls";
import { Icon } from "../ui/icons";
import { IdentityBadge } from "../ui/identity";
import { PanelFrame } from "./panel";

function Row(p: {
  name: string;
  icon?: "lock" | "lock-check" | undefined; // as far as the server, or from end to end
  children: preact.ComponentChildren;
}): JSX.Element {
  const what = p.icon === "lock" ? t.info.encryptedBadge : t.info.e2eBadge;
  return (
    <div class="fact">
      <dt>
        {p.name}
        {p.icon && (
          <span class={`mark ${p.icon}`} role="img" aria-label={what} title={what}>
            <Icon name={p.icon} size={16} />
          </span>
        )}
      </dt>
      <dd>{p.children}</dd>
    </div>
  );
}

const invitationOf = (s: AppState, link: string): string =>
  invitationText({ title: s.info?.title ?? "", link, start: null, minutes: 0 });

function General({ s }: { s: AppState }): JSX.Element {
  const info = s.info;
  const organiser = s.roster.find((p) => p.role === "organiser");
  return (
    <>
      <dl class="facts">
        <Row name={t.info.name}>{info?.title}</Row>
        <Row name={t.info.organiser}>
          {info?.organiser}
          {organiser && (
            <IdentityBadge
              identity={organiser.identity}
              name={organiser.name}
              who={organiser.leaf}
            />
          )}
        </Row>
        <Row name={t.info.number}>{groupNumber(s.number)}</Row>
        {info !== null && info.startedAt > 0 && (
          <Row name={t.info.started}>{dateTimeOf(info.startedAt)}</Row>
        )}
        <Row name={t.info.members}>{s.roster.length}</Row>
      </dl>
      {s.link !== null && (
        <section class="card">
          <h3>{t.info.link}</h3>
          <p class="note">{t.info.linkHint}</p>
          <div class="row">
            <CopyButton text={s.link} label={t.meeting.copyLink} small />
            <CopyButton text={invitationOf(s, s.link)} label={t.meeting.invite} small />
          </div>
        </section>
      )}
    </>
  );
}

function Code({ code }: { code: string | null }): JSX.Element {
  const [aloud, setAloud] = useState(false);
  if (code === null) return <p class="note">{t.info.codeWait}</p>;
  const groups = code.split(" ");
  const words = spell(code);
  return (
    <>
      <p class="code" key={code}>
        {groups.map((group, i) => (
          <span key={i}>{group}</span>
        ))}
      </p>
      <p class="note">
        {t.info.codeHint} {t.info.codeChanges}
      </p>
      <div class="row">
        <CopyButton text={code} label={t.common.copy} small />
        <Button icon="sound" small expanded={aloud} onClick={() => setAloud(!aloud)}>
          {t.info.readAloud}
        </Button>
      </div>
      {aloud && (
        <ol class="spelled" aria-label={t.info.readAloudTitle}>
          {words.map((group, i) => (
            <li key={i}>
              <span class="mono" aria-hidden="true">
                {groups[i]}
              </span>
              <span>{group.join(" · ")}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/* RFC 7714's name, as getStats() has it, in the words that people compare. */
const cipherName = (name: string): string =>
  name.replace(/^SRTP_AEAD_AES_(\d+)_GCM$/, "AES-$1-GCM");

function mediaText(s: AppState): string {
  if (s.media === "connected" && s.cipher !== null) return t.info.mediaCipher(cipherName(s.cipher));
  return s.media === "connecting" || s.media === "lost" ? t.info.mediaConnecting : t.info.mediaNone;
}

function Log({ log }: { log: readonly Notice[] }): JSX.Element {
  if (log.length === 0) return <p class="note">{t.info.noAttacks}</p>;
  return (
    <ul class="log">
      {log.map((n) => (
        <li key={n.key} class={n.severity}>
          <time dateTime={new Date(n.at).toISOString()}>{timeOf(n.at)}</time>
          <span>
            {n.title} <span class="note">{n.next}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Security({ s }: { s: AppState }): JSX.Element {
  const open = s.info?.open ?? false;
  const alarmed = asksToCompare(s);
  const statement = alarmed
    ? t.info.statementWarning
    : open
      ? t.info.statementOpen
      : t.info.statement;
  return (
    <>
      <p class={alarmed ? "statement alarmed" : "statement"}>
        <Icon name={alarmed ? "lock-warning" : "lock-check"} size={28} />
        {statement}
      </p>
      <section class="card">
        <h3>{t.info.code}</h3>
        <Code code={s.code} />
        {s.unsure && !s.alarmed && s.code !== null && (
          <Button icon="check" small onClick={() => dispatch({ type: "compared" })}>
            {t.info.codesAreSame}
          </Button>
        )}
      </section>
      <dl class="facts">
        <Row name={t.info.server} icon={location.protocol === "https:" ? "lock" : undefined}>
          {location.protocol === "https:" ? t.info.serverTls : t.info.serverLocal}
        </Row>
        <Row name={t.info.media} icon={s.media === "connected" ? "lock-check" : undefined}>
          {mediaText(s)}
        </Row>
      </dl>
      <section>
        <h3>{t.info.endToEnd}</h3>
        <ul class="checks">
          {Object.values(t.info.parts).map((part) => (
            <li key={part}>
              <Icon name="check" size={16} />
              <span>{part}</span>
              <span class="yes">{t.info.yes}</span>
            </li>
          ))}
        </ul>
        <p class="note">
          {t.info.notParts}: {t.info.serverSees}
        </p>
      </section>
      <section>
        <h3>{t.info.attacks}</h3>
        <Log log={s.log} />
      </section>
      {s.info !== null && (
        <p class="note">
          {t.info.suite(s.info.suite)} · {t.info.epoch(s.info.epoch)}
        </p>
      )}
    </>
  );
}

const TABS: readonly InfoTab[] = ["general", "security"];

export function InfoPanel(): JSX.Element {
  const s = app.value;
  const select = (tab: InfoTab) => set({ infoTab: tab });
  return (
    <PanelFrame panel="info" title={t.info.title}>
      <div
        class="tabs"
        role="tablist"
        onKeyDown={(event) => {
          if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
          const other = s.infoTab === "general" ? "security" : "general";
          select(other);
          document.getElementById(`tab-${other}`)?.focus();
        }}
      >
        {TABS.map((tab) => (
          <button
            key={tab}
            id={`tab-${tab}`}
            type="button"
            role="tab"
            aria-selected={s.infoTab === tab}
            aria-controls="info-tab"
            tabIndex={s.infoTab === tab ? 0 : -1}
            onClick={() => select(tab)}
          >
            {t.info[tab]}
          </button>
        ))}
      </div>
      <div
        class="panel-body padded"
        id="info-tab"
        role="tabpanel"
        tabIndex={0}
        aria-labelledby={`tab-${s.infoTab}`}
      >
        {s.infoTab === "general" ? <General s={s} /> : <Security s={s} />}
      </div>
    </PanelFrame>
  );
}
