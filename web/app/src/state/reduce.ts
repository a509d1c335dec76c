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
  LIMIT_TOASTS,
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
      readonly how: "left" | "ejected" | "by-server";
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
      readonly stays?: boolean;
    }
  | { readonly type: "dismiss"; readonly key: number }
  | { readonly type: "compared" }
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

/* A reaction is shown large, on a picture: that is no place for words. */
const EMOJI =
  /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f)+$/u;

const LOUD = { info: 0, warning: 1, alarm: 2 } as const;

/** The latest; what has to be seen by somebody gives way to nothing else. */
function latest(list: readonly Notice[], most: number): Notice[] {
  const staying = list.filter((n) => n.stays).slice(-most);
  const passing = list.filter((n) => !n.stays);
  const room = most - staying.length;
  const kept = new Set([...staying, ...passing.slice(Math.max(0, passing.length - room))]);
  return list.filter((n) => kept.has(n));
}

type Said = Action & { readonly type: "notice" };

function addNotice(s: AppState, { type: _, ...said }: Said): AppState {
  const stays = said.stays ?? said.severity === "alarm";
  /* The same said again takes the place of what is still seen, and is not said more quietly. */
  const before = s.toasts.find((n) => n.title === said.title);
  const toned = before !== undefined && LOUD[before.severity] > LOUD[said.severity];
  const severity = toned ? before.severity : said.severity;
  const made = { ...said, severity, stays: stays || (before?.stays ?? false), key: s.nextKey };
  const toasts = [...s.toasts.filter((n) => n !== before), made];
  const log = said.severity === "info" ? s.log : [...s.log, made];
  return {
    ...s,
    nextKey: s.nextKey + 1,
    toasts: latest(toasts, LIMIT_TOASTS),
    log: latest(log, LIMIT_LOG),
    alarmed: s.alarmed || severity === "alarm",
    unsure: s.unsure || stays,
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
      const name = a.name || t.common.unnamed;
      if (a.how === "by-server") return s; /* a notice says it */
      return speak(s, (a.how === "ejected" ? t.captions.ejected : t.captions.left)(name));
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
      if (!EMOJI.test(a.emoji)) return s;
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
    case "compared":
      return { ...s, unsure: false, toasts: s.toasts.filter((n) => !n.stays) };
    case "panel":
      return setPanel(s, a.panel);
    case "caption":
      return speak(s, a.text);
  }
}
