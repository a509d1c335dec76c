/* From what was and what happened to what is. Pure: no clock, no random numbers, no I/O. */
import type {
  MeetingInfo,
  Person,
  Phase,
  Reason,
  Severity,
  Waiting,
} from "../../../core/src/types";
import { t } from "../text";
import {
  type AppState,
  type ChatLine,
  findPerson,
  initial,
  LIMIT_CAPTIONS,
  LIMIT_CHAT,
  LIMIT_LOG,
  LIMIT_REACTIONS,
  type Notice,
} from "./model";

/** What the meeting shows now, taken together so that a screen never mixes two moments. */
export interface Views {
  readonly phase: Phase;
  readonly end: Reason | null;
  readonly info: MeetingInfo | null;
  readonly roster: readonly Person[];
  readonly lobby: readonly Waiting[];
}

export type Action =
  | { readonly type: "set"; readonly change: Partial<AppState> }
  | { readonly type: "views"; readonly views: Views }
  | { readonly type: "enter"; readonly name: string; readonly label: string }
  | { readonly type: "leave-call" }
  | { readonly type: "joined"; readonly leaf: number }
  | {
      readonly type: "gone";
      readonly leaf: number;
      readonly name: string;
      readonly ejected: boolean;
    }
  | { readonly type: "epoch" }
  | { readonly type: "code"; readonly code: string | null }
  | {
      readonly type: "said";
      readonly leaf: number;
      readonly id: string;
      readonly text: string;
      readonly at: number;
    }
  | { readonly type: "say"; readonly id: string; readonly text: string; readonly at: number }
  | { readonly type: "sent"; readonly id: string }
  | { readonly type: "reaction"; readonly leaf: number; readonly emoji: string }
  | { readonly type: "reaction-over"; readonly key: number }
  | { readonly type: "hand"; readonly leaf: number }
  | {
      readonly type: "notice";
      readonly severity: Severity;
      readonly title: string;
      readonly next: string;
      readonly at: number;
    }
  | { readonly type: "dismiss"; readonly key: number }
  | { readonly type: "panel"; readonly panel: AppState["panel"] }
  | { readonly type: "caption"; readonly text: string };

const nameOf = (s: AppState, leaf: number): string => findPerson(s, leaf)?.name || t.common.unnamed;

/** Each line is heard once, also when several come at the same time. */
function speak(s: AppState, text: string): AppState {
  const captions = [...s.captions, { key: s.nextKey, text }].slice(-LIMIT_CAPTIONS);
  return { ...s, captions, nextKey: s.nextKey + 1 };
}

function takeViews(s: AppState, v: Views): AppState {
  const pinned = v.roster.some((p) => p.leaf === s.pinned) ? s.pinned : null;
  let next: AppState = { ...s, ...v, pinned };
  if (v.lobby.length > s.lobby.length) next = speak(next, t.captions.knocks(v.lobby.length));
  if (s.info?.inMeeting && v.info?.inMeeting && s.info.locked !== v.info.locked)
    next = speak(next, v.info.locked ? t.captions.locked : t.captions.unlocked);
  if (v.phase !== s.phase && v.phase === "reconnecting")
    next = speak(next, t.captions.reconnecting);
  if (s.phase === "reconnecting" && v.phase === "in-meeting")
    next = speak(next, t.captions.reconnected);
  return next;
}

function addLine(s: AppState, line: ChatLine): AppState {
  const chat = [...s.chat, line].slice(-LIMIT_CHAT);
  if (line.mine) return { ...s, chat };
  const unread = s.panel === "chat" ? 0 : s.unread + 1;
  return speak({ ...s, chat, unread }, t.captions.message(line.name, line.text));
}

function addNotice(s: AppState, notice: Omit<Notice, "key">): AppState {
  const made = { ...notice, key: s.nextKey };
  const log = notice.severity === "info" ? s.log : [...s.log, made].slice(-LIMIT_LOG);
  /* The same said again takes the place of what is still seen. */
  const others = s.toasts.filter((n) => n.title !== notice.title);
  return {
    ...s,
    nextKey: s.nextKey + 1,
    toasts: [...others, made].slice(-4),
    log,
    alarmed: s.alarmed || notice.severity === "alarm",
  }; /* a toast is read out by itself */
}

function setPanel(s: AppState, panel: AppState["panel"]): AppState {
  return { ...s, panel, unread: panel === "chat" ? 0 : s.unread };
}

/** Everything of a call is forgotten; who one is and where stays. */
function leaveCall(s: AppState): AppState {
  const { screen, session, signUp, meetings, link, number, name, lacking, layout } = s;
  return { ...initial, screen, session, signUp, meetings, link, number, name, lacking, layout };
}

export function reduce(s: AppState, a: Action): AppState {
  switch (a.type) {
    case "set":
      return { ...s, ...a.change };
    case "views":
      return takeViews(s, a.views);
    case "enter":
      return { ...leaveCall(s), screen: { at: "call" }, name: a.name, label: a.label };
    case "leave-call":
      return leaveCall(s);
    case "joined":
      return speak(s, t.captions.joined(nameOf(s, a.leaf)));
    case "gone": {
      const text = a.ejected ? t.captions.ejected : t.captions.left;
      return speak(s, text(a.name || t.common.unnamed));
    }
    case "epoch":
      return s.code === null ? s : speak({ ...s, code: null }, t.captions.code);
    case "code":
      return { ...s, code: a.code };
    case "said":
      return addLine(s, {
        ...a,
        mine: false,
        name: nameOf(s, a.leaf),
        identity: findPerson(s, a.leaf)?.identity ?? null,
        sent: true,
      });
    case "say":
      return addLine(s, { ...a, leaf: -1, mine: true, name: s.name, identity: null, sent: false });
    case "sent":
      return { ...s, chat: s.chat.map((l) => (l.id === a.id ? { ...l, sent: true } : l)) };
    case "reaction": {
      const reaction = { key: s.nextKey, leaf: a.leaf, emoji: a.emoji };
      const reactions = [...s.reactions, reaction].slice(-LIMIT_REACTIONS);
      const next = { ...s, reactions, nextKey: s.nextKey + 1 };
      return speak(next, t.captions.reaction(nameOf(s, a.leaf), a.emoji));
    }
    case "reaction-over":
      return { ...s, reactions: s.reactions.filter((r) => r.key !== a.key) };
    case "hand": {
      const person = findPerson(s, a.leaf);
      if (!person?.hand || person.me) return s;
      return speak(s, t.captions.hand(nameOf(s, a.leaf)));
    }
    case "notice":
      return addNotice(s, a);
    case "dismiss":
      return { ...s, toasts: s.toasts.filter((n) => n.key !== a.key) };
    case "panel":
      return setPanel(s, a.panel);
    case "caption":
      return speak(s, a.text);
  }
}
