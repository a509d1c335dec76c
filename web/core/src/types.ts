/* What an application says to a meeting and hears from it: include/conclave/participant.h in
 * TypeScript. Everything here is plain data; nothing depends on how the core is run.
 *
 * Times are milliseconds since 1970, as Date has them. A `leaf` names a member as long as it is in
 * the meeting; it is not an identity. */

/* ---- Words for people ---- */

/** Why something is so: a name for programs, a sentence, and what to do about it (may be ""). */
export interface Reason {
  readonly name: string; // "NO_SUCH_MEETING"; "NONE" if there is none
  readonly text: string;
  readonly next: string;
}

/** A call that failed. `code` is the name of an error of the core ("EPOLICY") or of a reason. */
export class ConclaveError extends Error {
  readonly code: string;
  readonly reason: Reason | null;
  constructor(code: string, text: string, reason: Reason | null = null) {
    super(text);
    this.name = "ConclaveError";
    this.code = code;
    this.reason = reason;
  }
}

/* ---- Who somebody is ---- */

/** A verdict of this client on a certificate. Nobody else has a word in it. */
export interface Identity {
  readonly category: "unverified" | "member" | "external" | "device";
  readonly kind: "nobody" | "user" | "device" | "guest";
  readonly inOrganisation: boolean;
  readonly label: string; // "company.com", a device's name, or "Unverified"
  readonly identifier: string; // whole address, name or urn:uuid; "" if none holds
  readonly issuer: string; // "Identity verified by ..."; "" if unverified
  readonly notAfter: number; // 0 unless verified
  readonly reason: Reason; // why it is unverified, or "VERIFIED"
}

export type Role = "attendee" | "cohost" | "host" | "organiser";

/** What somebody sends now. */
export interface Sends {
  readonly audio: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
}

export interface Person {
  readonly leaf: number;
  readonly me: boolean;
  readonly connected: boolean;
  readonly hand: boolean;
  readonly sends: Sends | null; // by that person's own word; null: not heard yet
  readonly confirmed: boolean; // known to see the same meeting as we do
  readonly sameName: boolean; // somebody else shows a like name
  readonly role: Role;
  readonly name: string; // as typed by that person: a claim, to be shown apart from the identity
  readonly identity: Identity;
}

export interface Waiting {
  readonly ref: string; // names the entry: for admit() and refuse()
  readonly since: number;
  readonly sameName: boolean; // somebody in the meeting or at the door shows a like name
  readonly name: string;
  readonly identity: Identity;
}

/* ---- The meeting ---- */

export type Phase =
  | "idle"
  | "connecting"
  | "not-started" // waiting for a host to start
  | "in-lobby" // waiting for a host to let us in
  | "joining"
  | "in-meeting"
  | "reconnecting" // in the meeting, but cut off
  | "over"; // nothing more will come: Meeting.end tells why

/** What the card and the group's state say. */
export interface MeetingInfo {
  readonly title: string;
  readonly organiser: string;
  readonly organiserIdentity: Identity;
  readonly open: boolean; // no link secret: the card is trusted by its signature alone
  readonly inMeeting: boolean; // what follows is known only then
  readonly locked: boolean;
  readonly hostPresent: boolean;
  readonly epoch: number;
  readonly startedAt: number;
  readonly members: number;
  readonly suite: number; // MLS cipher suite
  readonly cardHash: string; // hexadecimal
}

export interface Stats {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly epochs: number;
  readonly messagesIn: number;
  readonly heartbeatsIn: number;
  readonly refused: number;
}

export type Severity = "info" | "warning" | "alarm";

/** What a meeting tells. Views are up to date when an event is heard. */
export type MeetingEvent =
  | { readonly type: "phase"; readonly phase: Phase; readonly reason: Reason }
  | { readonly type: "card" } // the card was verified: info()
  | { readonly type: "roster" } // somebody came, went or changed: roster()
  | { readonly type: "joined"; readonly leaf: number }
  | {
      readonly type: "gone";
      readonly leaf: number;
      readonly by: number | null; // who removed it; null: the server, or it left by itself
      readonly label: string;
      readonly reason: Reason;
    }
  | { readonly type: "lobby" } // lobby()
  | { readonly type: "code"; readonly epoch: number } // a new epoch, so a new security code
  | { readonly type: "state" } // locked, unlocked, co-hosts, ended: info(), roster()
  | { readonly type: "chat"; readonly leaf: number; readonly text: string; readonly id: string }
  | { readonly type: "chat-sent"; readonly id: string } // our own came back: all have it
  | { readonly type: "reaction"; readonly leaf: number; readonly emoji: string }
  | { readonly type: "hand"; readonly leaf: number }
  | { readonly type: "mute"; readonly by: number } // a host asks us to send no sound: do so, and say it
  | {
      readonly type: "notice"; // something to know; an alarm is an attack, refused or made visible
      readonly severity: Severity;
      readonly reason: Reason;
      readonly leaf: number | null;
      readonly text: string;
    }
  | { readonly type: "media"; readonly body: Uint8Array }; // from the switch: decodeMedia()

/* ---- Opening one ---- */

/** A key that signs and cannot be taken out, and certificates for it, DER, end entity first. It
 * can be kept in IndexedDB as it is. */
export interface Credential {
  readonly key: CryptoKeyPair;
  readonly chain: readonly Uint8Array[];
  readonly root: Uint8Array; // of the provider, as it was when this was issued
  readonly identifier: string; // e-mail address, device name, or urn:uuid of a guest
  readonly notAfter: number;
  readonly renewAt: number; // from when on a new one should be asked for
}

/** A CA trusted besides the provider's. */
export interface Anchor {
  readonly pem: string;
  readonly purpose: "private" | "public";
  readonly domains?: readonly string[]; // it may vouch for; none given: for all
}

/** What a browser's WebSocket does of what is needed. */
export interface Socket {
  binaryType: string;
  /* Their own event types are narrower than any that could be named here. */
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface SavedState {
  readonly key: Uint8Array; // 32 bytes: snapshot and deltas are sealed with it
  readonly snapshot: Uint8Array | null;
  readonly deltas: readonly Uint8Array[];
  readonly note: { readonly epoch: number; readonly run: number } | null;
}

/** Where a participant's state is kept, so that a reload resumes its place. Calls are made in
 * order; each must have happened when its promise is fulfilled. */
export interface StateStore {
  /** `key` is drawn at the first time; in later ones it must be the same. Rejected if another page
   * has it: two that resume from one state would use keys twice. */
  load(): Promise<SavedState>;
  snapshot(data: Uint8Array): Promise<void>; // in place of the last one and all deltas
  append(delta: Uint8Array, durably: boolean): Promise<void>;
  /** In place of the last: which counters of frames are used up. */
  note(note: { epoch: number; run: number }): Promise<void>;
  forget(): Promise<void>; // snapshot, deltas and note
  /** Lets go of it, so that another page can load it. */
  close?(): void;
}

/** How the core reaches WebCrypto, which is asynchronous. */
export type Bridge =
  | "jspi" // WebAssembly.Suspending: needs nothing of the server
  | "shared" // SharedArrayBuffer and a second worker: needs COOP and COEP headers
  | "software"; // in JavaScript; signatures only are WebCrypto's

export interface MeetingOptions {
  readonly link: string; // the whole text
  readonly name?: string; // shown beside the identity
  readonly credential: Credential;
  readonly trust?: readonly Anchor[];
  readonly store?: StateStore | null; // null: nothing is kept. Default: IndexedDB
  readonly connect?: (url: string) => Socket; // default: new WebSocket(url, "conclave.1")
}

/* ---- A meeting, from outside ---- */

export interface Meeting {
  readonly phase: Phase;
  readonly end: Reason | null; // once the phase is "over"
  readonly bridge: Bridge;
  readonly resumed: boolean; // what was kept was found: this is the leaf of before

  /** Hears all events from now on; the result stops it. */
  on(listener: (event: MeetingEvent) => void): () => void;

  info(): MeetingInfo | null; // null until the card is verified
  roster(): readonly Person[];
  lobby(): readonly Waiting[];
  stats(): Promise<Stats>;

  /** "KKH 7CV MGV QTC 37J"; null outside a meeting. Takes a tenth of a second: it is made to. */
  code(): Promise<string | null>;
  /** Lines for "show certificate". */
  describe(who: number | string): Promise<string>; // a leaf, or a ref of the lobby

  /* What the user wants. Rejected with ConclaveError: ESTATE in the wrong phase, EPOLICY without
   * the role for it, ENOTFOUND, EINVAL. A promise fulfilled means it was asked for; what became
   * of it is told by events. */
  say(text: string): Promise<string>; // the id, which chat-sent will bear
  react(emoji: string): Promise<void>;
  raiseHand(raised: boolean): Promise<void>;
  /** What is sent now, for others to see; in any phase but the last. */
  setSends(sends: Sends): Promise<void>;
  /** Has a member, or with null all but hosts, send no sound; they may undo it. */
  askMute(leaf: number | null): Promise<void>;
  admit(ref: string): Promise<void>;
  admitAll(): Promise<void>;
  refuse(ref: string): Promise<void>;
  eject(leaf: number): Promise<void>;
  lock(locked: boolean): Promise<void>;
  makeCohost(leaf: number, cohost: boolean): Promise<void>;
  endForAll(): Promise<void>;
  leave(): Promise<void>;
  renew(credential: Credential): Promise<void>; // new certificates for the same key

  /* Media. Bodies are of docs/PROTOCOL.md section 9: encodeMedia(). */
  sendMedia(body: Uint8Array): Promise<void>;
  /** SFrame for RTCRtpSender and RTCRtpReceiver; the keys stay in workers. One for a meeting. */
  frames(): Promise<Frames>;

  /** Lets go of connection and worker without leaving: with a store, the place is kept. */
  close(): Promise<void>;
}

/* ---- Frames sealed and opened in a worker (docs/MEDIA.md) ---- */

export type Source = "audio" | "camera" | "screen";

export interface Frames {
  /** Before the first frame is sent. Layers of simulcast are told apart by themselves. */
  seal(sender: RTCRtpSender, source: Source): void;
  /** Before the first packet comes. id: chosen by the caller, names the receiver in events. */
  open(receiver: RTCRtpReceiver, kind: "audio" | "video", id: string): void;
  on(listener: (event: FrameEvent) => void): () => void;
  stats(): Promise<FrameStats>;
  close(): void;
}

/** Whose frames a receiver gives from now on: by the SFrame key ID, whatever the server says. Show
 * the picture as this member's and nobody else's. */
export type FrameEvent = {
  readonly type: "shows";
  readonly id: string;
  readonly leaf: number;
  readonly source: Source;
};

export interface FrameStats {
  readonly sealed: number;
  readonly opened: number;
  readonly held: number; // waited for their epoch
  readonly refused: Readonly<Record<string, number>>; // by name of the error
  readonly microseconds: number; // a frame, on average, sealing and opening
}

/* ---- Accounts (docs/openapi.yaml) ---- */

export interface Session {
  readonly token: string;
  readonly identifier: string;
  readonly kind: "user" | "device" | "guest";
  readonly expires: number;
}

export type Admission = "join" | "lobby" | "refuse";

/** A meeting to be made. Whom the rules do not name joins as in most meetings: the organisation
 * and its devices join, others wait in the lobby; locked, everybody waits in the lobby. */
export interface MeetingPlan {
  readonly title: string;
  readonly hosts?: readonly string[]; // besides the organiser
  readonly organisation?: readonly string[]; // default: the organiser's domain
  readonly notBefore?: number;
  readonly notAfter?: number; // default: in 30 days; a personal room: never
  readonly unlocked?: Partial<Record<"member" | "external" | "device" | "guest", Admission>>;
  readonly locked?: Partial<Record<"member" | "external" | "device" | "guest", "lobby" | "refuse">>;
  readonly joinBeforeHost?: boolean;
  readonly autoLockMinutes?: number;
  readonly open?: boolean;
  readonly personal?: boolean;
}

export interface MeetingEntry {
  readonly number: string;
  readonly title: string;
  readonly personal: boolean;
}

/** A server's accounts. Rejected with ConclaveError: `reason` is for people. */
export interface Account {
  readonly origin: string;
  methods(): Promise<{ methods: readonly string[]; signUp: boolean }>;
  signIn(email: string, password: string): Promise<Session>;
  signUp(email: string, password: string): Promise<Session>;
  guest(): Promise<Session>;
  isAdmin(session: Session): Promise<boolean>;
  signOut(session: Session): Promise<void>;
  /** A fresh key with a certificate for it; with `renew` for that one's key. */
  certify(session: Session, renew?: Credential): Promise<Credential>;
  /** Signs the card and makes the meeting; the link. */
  create(session: Session, credential: Credential, plan: MeetingPlan): Promise<string>;
  meetings(session: Session): Promise<readonly MeetingEntry[]>;
  remove(session: Session, number: string): Promise<void>;
}

/* ---- The core ---- */

/** Where a file is; with what it must be ("sha384-..."), else it is not used. */
export type CoreFile = string | URL | { readonly url: string | URL; readonly integrity: string };

export interface CoreOptions {
  readonly bridge?: Bridge; // default: the best there is here
  readonly wasm?: CoreFile; // default: conclave.wasm beside this package's files
  readonly workers?: {
    readonly core?: CoreFile;
    readonly crypto?: CoreFile;
    readonly frames?: CoreFile;
  };
}

/** What a link says without being followed. */
export interface LinkParts {
  readonly origin: string; // "https://meet.example.org"
  readonly number: string;
  readonly hasSecret: boolean;
}

export interface Core {
  readonly bridge: Bridge;
  /** Rejected with EINVAL for a bad link or name, ECREDENTIAL for certificates of another key,
   * ANOTHER_TAB if this browser is in the meeting already, ESTORE if nothing can be kept. */
  open(options: MeetingOptions): Promise<Meeting>;
  account(origin: string): Account;
  link(text: string): Promise<LinkParts>; // EINVAL
  reason(name: string): Promise<Reason>;
  close(): void;
}
