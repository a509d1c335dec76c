/* What the app knows, as one immutable value. reduce() is the only place where it changes. */
import type {
  Identity,
  MeetingEntry,
  MeetingInfo,
  Person,
  Phase,
  Reason,
  Session,
  Severity,
  Waiting,
} from "../../../core/src/types";
import type { Feature } from "./features";

/** Where the user is. The phase of the meeting decides from "call" on. */
export type Screen =
  | { readonly at: "starting" }
  | { readonly at: "unsupported"; readonly missing: readonly Feature[] }
  | { readonly at: "home" }
  | { readonly at: "entrance" }
  | { readonly at: "devices" }
  | { readonly at: "call" };

export type Panel = "people" | "chat" | "info";
export type InfoTab = "general" | "security";
export type Layout = "grid" | "speaker";

export interface ChatLine {
  readonly id: string;
  readonly leaf: number;
  readonly mine: boolean;
  readonly name: string; // as it was then: people leave
  readonly identity: Identity | null;
  readonly text: string;
  readonly at: number;
  readonly sent: boolean;
}

export interface Notice {
  readonly key: number;
  readonly severity: Severity;
  readonly title: string;
  readonly next: string;
  readonly at: number;
  readonly stays: boolean; // until somebody has seen it: there is something to compare
}

export interface Reaction {
  readonly key: number;
  readonly leaf: number;
  readonly emoji: string;
}

export interface Caption {
  readonly key: number;
  readonly text: string;
}

/** What is wrong, for people. */
export interface Problem {
  readonly text: string;
  readonly next: string;
}

export interface AppState {
  readonly screen: Screen;
  readonly session: Session | null;
  readonly signUp: boolean; // whether the server lets anybody make an account
  readonly meetings: readonly MeetingEntry[] | null; // null: not asked yet
  readonly link: string | null;
  readonly number: string;
  readonly name: string;
  readonly problem: Problem | null;
  readonly busy: boolean;
  readonly lacking: readonly Feature[]; // without which there is neither sound nor picture

  readonly phase: Phase;
  readonly end: Reason | null;
  readonly label: string; // what others see of our identity
  readonly info: MeetingInfo | null;
  readonly roster: readonly Person[];
  readonly lobby: readonly Waiting[];
  readonly code: string | null; // null: being computed
  readonly alarmed: boolean; // an attack was noticed
  readonly unsure: boolean; // something was told that is a reason to compare the code

  readonly chat: readonly ChatLine[];
  readonly unread: number;
  readonly reactions: readonly Reaction[];
  readonly toasts: readonly Notice[]; // to be seen now
  readonly log: readonly Notice[]; // warnings and alarms of this meeting
  readonly captions: readonly Caption[]; // said to screen readers, the newest last
  readonly nextKey: number;

  readonly panel: Panel | null;
  readonly infoTab: InfoTab;
  readonly layout: Layout;
  readonly pinned: number | null;
  readonly page: number;

  readonly media: "none" | "connecting" | "connected" | "lost" | "refused";
  readonly cipher: string | null;
  readonly speakers: readonly number[]; // leaves, the loudest first
}

export const LIMIT_CHAT = 500; // lines kept: a meeting may be long
export const LIMIT_LOG = 100;
export const LIMIT_TOASTS = 4; // alarms are seen, whatever comes after them
export const LIMIT_CAPTIONS = 8; // what has been read out may go
export const LIMIT_REACTIONS = 20; // seen at once

export const initial: AppState = {
  screen: { at: "starting" },
  session: null,
  signUp: false,
  meetings: null,
  link: null,
  number: "",
  name: "",
  problem: null,
  busy: false,
  lacking: [],
  phase: "idle",
  end: null,
  label: "",
  info: null,
  roster: [],
  lobby: [],
  code: null,
  alarmed: false,
  unsure: false,
  chat: [],
  unread: 0,
  reactions: [],
  toasts: [],
  log: [],
  captions: [],
  nextKey: 1,
  panel: null,
  infoTab: "general",
  layout: "grid",
  pinned: null,
  page: 0,
  media: "none",
  cipher: null,
  speakers: [],
};

/* ---- Looking ---- */

/** There was an alarm, or nobody has said since that the codes are the same: others who are silent may
 * only have lost their connection. */
export const asksToCompare = (s: AppState): boolean => s.alarmed || s.unsure;

export const canMedia = (s: AppState): boolean => s.lacking.length === 0;

export const findPerson = (s: AppState, leaf: number): Person | undefined =>
  s.roster.find((p) => p.leaf === leaf);

export const me = (s: AppState): Person | undefined => s.roster.find((p) => p.me);

export const mayHost = (s: AppState): boolean => {
  const role = me(s)?.role;
  return role !== undefined && role !== "attendee";
};

/** Whether `target` may be removed by us (docs/PROTOCOL.md section 4). */
export const mayEject = (s: AppState, target: Person): boolean =>
  mayHost(s) &&
  !target.me &&
  target.role !== "organiser" &&
  !(me(s)?.role === "cohost" && target.role === "host");

/** Whether `target` may be made a co-host, or no longer be one, by us: verified people only. */
export const mayMakeCohost = (s: AppState, target: Person): boolean => {
  const role = me(s)?.role;
  return (
    (role === "organiser" || role === "host") &&
    !target.me &&
    (target.role === "cohost" ||
      (target.role === "attendee" && target.identity.category !== "unverified"))
  );
};
