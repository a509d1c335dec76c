/* The meeting: pictures, a bar of controls, and one panel beside them. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ChatPanel } from "../panels/chat";
import { InfoPanel } from "../panels/info";
import { PeoplePanel } from "../panels/people";
import { type AppState, asksToCompare, mayHost } from "../state/model";
import { app, dispatch, set } from "../state/store";
import { t } from "../text";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Menu } from "../ui/overlay";
import { Stage } from "../ui/stage";
import { Sound } from "../ui/tile";
import { ControlBar } from "./control_bar";

function since(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function Clock({ from }: { from: number }): JSX.Element {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span class="clock" role="timer" aria-live="off">
      {since(now - from)}
    </span>
  );
}

const showSecurity = (): void => {
  set({ infoTab: "security" });
  dispatch({ type: "panel", panel: "info" });
};

/** The shield is for end to end, a padlock would be for a connection to the server. */
function SecurityPill(): JSX.Element {
  const alarmed = asksToCompare(app.value);
  return (
    <button
      type="button"
      class={alarmed ? "pill alarmed" : "pill"}
      aria-label={alarmed ? t.info.warningBadge : t.info.e2eBadge}
      title={t.info.title}
      onClick={showSecurity}
    >
      <Icon name={alarmed ? "lock-warning" : "lock-check"} size={18} />
      <span>{alarmed ? t.info.warningBadge : t.info.e2eBadge}</span>
    </button>
  );
}

function Head(): JSX.Element {
  const s = app.value;
  return (
    <header class="meeting-head">
      <SecurityPill />
      <div class="meeting-title">
        <h1>{s.info?.title}</h1>
        {s.info?.locked && (
          <span class="locked" role="img" aria-label={t.captions.locked} title={t.captions.locked}>
            <Icon name="lock" size={16} />
          </span>
        )}
        {s.info !== null && s.info.startedAt > 0 && <Clock from={s.info.startedAt} />}
      </div>
      <Menu
        label={t.meeting.layout}
        icon={s.layout}
        items={(["grid", "speaker"] as const).map((layout) => ({
          text: t.meeting[layout],
          icon: layout,
          checked: s.layout === layout,
          onSelect: () => set({ layout, pinned: null }),
        }))}
      />
    </header>
  );
}

const PATIENCE_MS = 10_000; // more than a restart of ICE takes

/** What is wrong with sound and pictures, or null. What takes long may take for ever. */
function useMediaProblem(s: AppState): { text: string; goesOn: boolean } | null {
  const waiting = s.media === "connecting" || s.media === "lost";
  const [long, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!waiting) return;
    const timer = setTimeout(() => setLong(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [waiting, s.phase]);
  if (s.phase !== "in-meeting") return null;
  if (s.media === "refused") return { text: t.meeting.mediaRefused, goesOn: false };
  if (waiting && long) return { text: t.meeting.mediaBlocked, goesOn: false };
  return s.media === "lost" ? { text: t.meeting.mediaLost, goesOn: true } : null;
}

function Banners(): JSX.Element {
  const s = app.value;
  const problem = useMediaProblem(s);
  return (
    <div class="banners">
      {s.phase === "reconnecting" && (
        <p class="banner warn" role="status">
          <span class="spinner" aria-hidden="true" />
          {t.meeting.reconnecting}
        </p>
      )}
      {problem !== null && (
        <p class="banner warn" role="status">
          {problem.goesOn ? (
            <span class="spinner" aria-hidden="true" />
          ) : (
            <Icon name="warning" size={18} />
          )}
          {problem.text}
        </p>
      )}
      {mayHost(s) && s.lobby.length > 0 && s.panel !== "people" && (
        <div class="banner">
          <Icon name="door" size={18} />
          <span>{t.meeting.lobbyBanner(s.lobby.length)}</span>
          <Button small look="primary" onClick={() => dispatch({ type: "panel", panel: "people" })}>
            {t.meeting.view}
          </Button>
        </div>
      )}
    </div>
  );
}

function OpenPanel(): JSX.Element | null {
  switch (app.value.panel) {
    case "people":
      return <PeoplePanel />;
    case "chat":
      return <ChatPanel />;
    case "info":
      return <InfoPanel />;
    case null:
      return null;
  }
}

export function MeetingScreen(): JSX.Element {
  return (
    <div class={app.value.panel === null ? "meeting" : "meeting with-panel"}>
      <Head />
      <main class="stage">
        <Banners />
        <Stage />
      </main>
      <OpenPanel />
      <ControlBar />
      <Sound />
    </div>
  );
}
