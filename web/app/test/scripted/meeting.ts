/* A meeting whose members do what a test says: the interface of the core without cryptography. For
 * tests and screenshots of the app alone; build.mjs never puts it where a server looks. */
import {
  ConclaveError,
  type Frames,
  type Identity,
  type Meeting,
  type MeetingEvent,
  type MeetingInfo,
  type Person,
  type Phase,
  type Reason,
  type Role,
  type Sends,
  type Stats,
  type Waiting,
} from "../../../core/src/types";

export const reason = (name: string, text = "", next = ""): Reason => ({ name, text, next });

export function verified(identifier: string, issuer = "Conclave"): Identity {
  return {
    category: identifier.endsWith("company.com") ? "member" : "external",
    kind: "user",
    inOrganisation: identifier.endsWith("company.com"),
    label: identifier.split("@")[1] ?? identifier,
    identifier,
    issuer,
    notAfter: Date.UTC(2030, 0, 1),
    reason: reason("VERIFIED"),
  };
}

export const guest: Identity = {
  category: "unverified",
  kind: "guest",
  inOrganisation: false,
  label: "Unverified",
  identifier: "urn:uuid:1e5a1f3c-6f8d-4a44-9d83-0d9f6a1b2c3d",
  issuer: "",
  notAfter: 0,
  reason: reason("IS_GUEST", "The provider vouches for a temporary identifier only."),
};

export function person(
  leaf: number,
  name: string,
  identity: Identity,
  more: Partial<Person> = {},
): Person {
  return {
    leaf,
    me: false,
    connected: true,
    hand: false,
    sends: { audio: true, camera: true, screen: false },
    confirmed: true,
    sameName: false,
    role: "attendee" as Role,
    name,
    identity,
    ...more,
  };
}

/* As src/identity/describe.c writes it. */
function certificateOf({ category, issuer, label, identifier, reason: why }: Identity): string {
  const verdict =
    category === "unverified"
      ? ["Identity not verified", `Reason: ${why.text}`, `Temporary identifier: ${identifier}`]
      : [`Identity verified by ${issuer}`, `Shown as: ${label}`, `Identifier: ${identifier}`];
  const certificate = [
    "  Subject, which is not looked at: (empty)",
    `  Issuer: CN=${issuer || "Conclave"}`,
    `  Serial number: ${"4f17c2a9".repeat(4)}`,
    "  Valid from: 2026-11-23 14:00:00 UTC",
    "  Valid until: 2026-11-30 14:00:00 UTC",
    "  Key: P-256",
    `  SHA-256: ${"9c1e44d07ab35f28".repeat(4)}`,
  ];
  return `${[...verdict, "Certificate, as it says:", ...certificate].join("\n")}\n`;
}

const CODES = ["KKH 7CV MGV QTC 37J", "Q2B LWX 5TA NED 6PO", "H4M ZRA 2KC VUJ 7IS"];

export class ScriptedMeeting implements Meeting {
  phase: Phase = "connecting";
  end: Reason | null = null;
  readonly bridge = "software";
  readonly resumed = false;
  people: Person[] = [];
  waiting: Waiting[] = [];
  facts: MeetingInfo | null = null;
  private readonly listeners = new Set<(event: MeetingEvent) => void>();
  private said = 0;

  constructor(
    readonly myName: string,
    readonly myIdentity: Identity,
  ) {}

  /* ---- For the script ---- */

  emit(event: MeetingEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }
  setPhase(phase: Phase, why = reason("NONE")): void {
    this.phase = phase;
    if (phase === "over") this.end = why;
    this.emit({ type: "phase", phase, reason: why });
  }
  setFacts(change: Partial<MeetingInfo>): void {
    if (this.facts !== null) this.facts = { ...this.facts, ...change };
  }
  epoch(): void {
    const epoch = (this.facts?.epoch ?? 0) + 1;
    this.setFacts({ epoch, members: this.people.length });
    this.emit({ type: "code", epoch });
  }
  add(p: Person): void {
    this.people = [...this.people, p];
    this.emit({ type: "roster" });
    this.emit({ type: "joined", leaf: p.leaf });
    this.epoch();
  }
  remove(leaf: number, by: number | null): void {
    const gone = this.people.find((p) => p.leaf === leaf);
    this.people = this.people.filter((p) => p.leaf !== leaf);
    this.emit({
      type: "gone",
      leaf,
      by,
      label: gone?.identity.label ?? "",
      reason: reason(by === null ? "LEFT" : "EJECTED"),
    });
    this.emit({ type: "roster" });
    this.epoch();
  }
  change(leaf: number, change: Partial<Person>): void {
    this.people = this.people.map((p) => (p.leaf === leaf ? { ...p, ...change } : p));
    this.emit({ type: "roster" });
  }
  knock(entry: Waiting): void {
    this.waiting = [...this.waiting, entry];
    this.emit({ type: "lobby" });
  }

  /* ---- The core's interface ---- */

  on(listener: (event: MeetingEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  info = () => this.facts;
  roster = () => this.people;
  lobby = () => this.waiting;
  stats = (): Promise<Stats> =>
    Promise.resolve({
      bytesIn: 0,
      bytesOut: 0,
      epochs: 1,
      messagesIn: 0,
      heartbeatsIn: 0,
      refused: 0,
    });
  code = (): Promise<string | null> =>
    Promise.resolve(CODES[(this.facts?.epoch ?? 0) % CODES.length] ?? null);
  describe = (who: number | string): Promise<string> => {
    const found = [...this.people, ...this.waiting].find(
      (p) => ("leaf" in p ? p.leaf : p.ref) === who,
    );
    return Promise.resolve(found === undefined ? "" : certificateOf(found.identity));
  };

  private mine(): Person {
    const own = this.people.find((p) => p.me);
    if (own === undefined) throw new ConclaveError("ESTATE", "Not in the meeting.");
    return own;
  }
  private asHost(): void {
    if (this.mine().role === "attendee")
      throw new ConclaveError("EPOLICY", "", reason("NOT_ALLOWED", "Hosts only.", "Ask a host."));
  }
  say(text: string): Promise<string> {
    const id = `${text.length}-${++this.said}`;
    setTimeout(() => this.emit({ type: "chat-sent", id }), 20);
    return Promise.resolve(id);
  }
  async react(emoji: string): Promise<void> {
    this.emit({ type: "reaction", leaf: this.mine().leaf, emoji });
  }
  async raiseHand(hand: boolean): Promise<void> {
    this.change(this.mine().leaf, { hand });
    this.emit({ type: "hand", leaf: this.mine().leaf });
  }
  async setSends(sends: Sends): Promise<void> {
    this.change(this.mine().leaf, { sends });
  }
  async askMute(leaf: number | null): Promise<void> {
    this.asHost();
    for (const p of this.people)
      if (leaf === null ? p.role === "attendee" : p.leaf === leaf) this.mute(p);
  }
  private mute(p: Person): void {
    this.change(p.leaf, { sends: { camera: false, screen: false, ...p.sends, audio: false } });
  }
  async admit(ref: string): Promise<void> {
    this.asHost();
    const entry = this.waiting.find((w) => w.ref === ref);
    await this.refuse(ref);
    if (entry !== undefined) this.add(person(100 + this.people.length, entry.name, entry.identity));
  }
  async admitAll(): Promise<void> {
    for (const { ref } of this.waiting) await this.admit(ref);
  }
  async refuse(ref: string): Promise<void> {
    this.asHost();
    this.waiting = this.waiting.filter((w) => w.ref !== ref);
    this.emit({ type: "lobby" });
  }
  async eject(leaf: number): Promise<void> {
    this.asHost();
    this.remove(leaf, this.mine().leaf);
  }
  async lock(locked: boolean): Promise<void> {
    this.asHost();
    this.setFacts({ locked });
    this.emit({ type: "state" });
  }
  async makeCohost(leaf: number, cohost: boolean): Promise<void> {
    this.asHost();
    this.change(leaf, { role: cohost ? "cohost" : "attendee" });
  }
  async endForAll(): Promise<void> {
    this.asHost();
    this.setPhase("over", reason("ENDED", "A host ended the meeting for everybody."));
  }
  async leave(): Promise<void> {
    this.setPhase("over", reason("LEFT", "Left the meeting."));
  }
  renew = (): Promise<void> => Promise.resolve();
  sendMedia = (): Promise<void> => Promise.resolve();
  frames = (): Promise<Frames> => Promise.reject(new ConclaveError("ESTATE", "No media here."));
  close = (): Promise<void> => Promise.resolve();
}
