/* The engine of tests: an account that exists, a meeting that a test directs through
 * `globalThis.script`. */
import {
  type Account,
  ConclaveError,
  type Core,
  type Credential,
  type Meeting,
  type MeetingEntry,
  type MeetingOptions,
  type Session,
} from "../../../core/src/types";
import type { Engine, MediaLine } from "../../src/engine/engine";
import { ScriptedLine } from "./media";
import { guest, person, reason, ScriptedMeeting, verified } from "./meeting";

const HOUR = 3_600_000;

class Script {
  meeting: ScriptedMeeting | null = null;
  line: ScriptedLine | null = null;
  refusal: [name: string, text: string, next: string] | null = null; // of certificates
  meetings: MeetingEntry[] = [
    { number: "4085551234", title: "Monthly product briefing", personal: false },
    { number: "4085550000", title: "Room of barbara.german", personal: true },
  ];
  readonly person = person;
  readonly reason = reason;
  readonly verified = verified;
  readonly guest = guest;
}

const script = new Script();
(globalThis as { script?: Script }).script = script;

const sessionOf = (identifier: string, kind: Session["kind"]): Session => ({
  token: "t",
  identifier,
  kind,
  expires: Date.now() + HOUR,
});

async function signIn(email: string, password: string): Promise<Session> {
  if (password === "wrong")
    throw new ConclaveError(
      "SIGN_IN",
      "",
      reason("SIGN_IN", "The name or the password is wrong.", "Try again."),
    );
  return sessionOf(email, "user");
}

const account: Account = {
  origin: location.origin,
  methods: () => Promise.resolve({ methods: ["password"], signUp: true }),
  signIn,
  signUp: signIn,
  guest: () => Promise.resolve(sessionOf("urn:uuid:1", "guest")),
  isAdmin: () => Promise.resolve(false),
  signOut: () => Promise.resolve(),
  certify: async (session) => {
    if (script.refusal !== null) {
      const why = reason(...script.refusal);
      throw new ConclaveError(why.name, why.text, why);
    }
    const until = Date.now() + HOUR;
    return { identifier: session.identifier, notAfter: until, renewAt: until } as Credential;
  },
  create: (_session, _credential, plan) => {
    script.meetings = [
      ...script.meetings,
      { number: "4085559876", title: plan.title, personal: false },
    ];
    return Promise.resolve(`${location.origin}/m/4085559876#1.${"A".repeat(86)}`);
  },
  meetings: () => Promise.resolve(script.meetings),
  remove: (_session, number) => {
    script.meetings = script.meetings.filter((m) => m.number !== number);
    return Promise.resolve();
  },
};

async function open(options: MeetingOptions): Promise<Meeting> {
  const { identifier } = options.credential;
  const identity = identifier.startsWith("urn:") ? guest : verified(identifier);
  script.meeting = new ScriptedMeeting(options.name ?? "", identity);
  return script.meeting;
}

const core: Core = {
  bridge: "software",
  open,
  account: () => account,
  link: (text) => {
    const match = /^(https?:\/\/[^/]+)\/m\/(\d{10})(#1\..+)?$/.exec(text);
    return match?.[1] && match[2]
      ? Promise.resolve({ origin: match[1], number: match[2], hasSecret: match[3] !== undefined })
      : Promise.reject(new ConclaveError("EINVAL", "No link."));
  },
  reason: (name) => Promise.resolve(reason(name)),
  close: () => undefined,
};

export const engine: Engine = {
  loadCore: () => Promise.resolve(core),
  openLine: (): Promise<MediaLine> => {
    script.line = new ScriptedLine();
    return Promise.resolve(script.line);
  },
};
