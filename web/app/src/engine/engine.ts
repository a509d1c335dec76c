/* What the app needs besides the browser: the core, and the media of a meeting. The build puts
 * real.ts in the place of "#engine"; tests put a scripted one there. */
import type { Core, Meeting, Source } from "../../../core/src/types";

export interface Want {
  readonly leaf: number;
  readonly source: Source;
  readonly height: number; // as it is shown; 0: not now
}

export type LineEvent =
  | { readonly type: "state"; readonly state: LineState; readonly cipher: string | null }
  /* Whose frames a track gives is the SFrame key ID's word, not the server's. */
  | {
      readonly type: "track";
      readonly leaf: number;
      readonly source: Source;
      readonly track: MediaStreamTrack | null;
    }
  | { readonly type: "speakers"; readonly leaves: readonly number[] };

export type LineState = "connecting" | "connected" | "lost" | "refused";

/** Sound and pictures of one meeting. */
export interface MediaLine {
  on(listener: (event: LineEvent) => void): () => void;
  /** null: nothing is sent of this source any more. */
  publish(source: Source, track: MediaStreamTrack | null): Promise<void>;
  want(wants: readonly Want[]): void; // the most important first
  close(): void;
}

export interface Engine {
  loadCore(): Promise<Core>;
  openLine(meeting: Meeting): Promise<MediaLine>;
}
