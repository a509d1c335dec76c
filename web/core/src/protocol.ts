/* What the page and the engine in its worker say to each other. */
import type { Located } from "./files.js";
import type { Anchor, Bridge, Identity, MeetingEvent, MeetingInfo, Person, Phase, Reason, Waiting } from "./types.js";

/* enum wish of src/wasm/meeting.c */
export const WISH = {
  say: 1,
  react: 2,
  hand: 3,
  admit: 4,
  admitAll: 5,
  refuse: 6,
  eject: 7,
  lock: 8,
  cohost: 9,
  end: 10,
  leave: 11,
  renew: 12,
  media: 13,
  sends: 14,
  askMute: 15,
} as const;

/* enum participant_input_kind */
export const INPUT = { connected: 0, frame: 1, disconnected: 2 } as const;

export interface OpenRequest {
  readonly link: string;
  readonly name: string;
  readonly key: CryptoKeyPair;
  readonly chain: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly anchors: readonly Anchor[];
  readonly saveKey: Uint8Array; // empty: nothing is kept
  readonly snapshot: Uint8Array | null;
  readonly deltas: readonly Uint8Array[];
}

export type Tool =
  | "identity_judge"
  | "reason_words"
  | "link_read"
  | "csr_make"
  | "card_make"
  | "card_title";

export type Request =
  | {
      readonly op: "load";
      readonly wasm: WebAssembly.Module | string;
      readonly bridge: Bridge | null;
      readonly cryptoWorker: Located;
    }
  | { readonly op: "open"; readonly meeting: number; readonly with: OpenRequest }
  | {
      readonly op: "input";
      readonly meeting: number;
      readonly kind: number;
      readonly frame: Uint8Array | null;
      readonly reason: number;
    }
  | { readonly op: "wish"; readonly meeting: number; readonly wish: number; readonly data: Uint8Array }
  | { readonly op: "code" | "stats" | "free"; readonly meeting: number }
  | { readonly op: "describe"; readonly meeting: number; readonly leaf: number; readonly ref: Uint8Array }
  | { readonly op: "frames"; readonly meeting: number; readonly port: MessagePort }
  | { readonly op: "frame-run"; readonly meeting: number; readonly epoch: number; readonly run: number }
  | {
      readonly op: "tool";
      readonly tool: Tool;
      readonly key: CryptoKeyPair | null; // goes in front, as a signer
      readonly data: Uint8Array;
    };

export interface Numbered {
  readonly id: number;
  readonly request: Request;
}

export type Answer = Uint8Array | Bridge | boolean | null;

export type Reply =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: { readonly code: string; readonly text: string } };

export interface View {
  readonly phase: Phase;
  readonly end: Reason;
  readonly info: MeetingInfo | null;
  readonly roster: readonly Person[];
  readonly lobby: readonly Waiting[];
}

export type Effect =
  | { readonly kind: "connect" | "disconnect" | "forget" }
  | { readonly kind: "send" | "snapshot"; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly kind: "delta"; readonly data: Uint8Array; readonly sync: boolean }
  | { readonly kind: "event"; readonly event: MeetingEvent };

/** What a step of a meeting brought, in its order. */
export interface Told {
  readonly meeting: number;
  readonly effects: readonly Effect[];
  readonly view: View | null; // as it is after the step; null: as before
  readonly broken: string | null; // the engine cannot go on with it
}

/** A worker, or a port to one. */
export interface Endpoint {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

export type { Identity };
