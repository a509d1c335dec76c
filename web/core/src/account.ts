/* A server's REST interface (docs/openapi.yaml), as far as people need it. */
import type { Client } from "./client.js";
import {
  type Account,
  type Admission,
  ConclaveError,
  type Credential,
  type MeetingEntry,
  type MeetingPlan,
  type Session,
} from "./types.js";
import { Reader, Writer } from "./wire.js";

const DAY = 86400;
const DAYS_DEFAULT = 30;
const PAGE = 100;

function base64(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

function unbase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

type Json = Record<string, unknown>;

function kindOf(identifier: string): Session["kind"] {
  if (identifier.startsWith("urn:uuid:")) return "guest";
  return identifier.includes("@") ? "user" : "device";
}

function sessionOf(answer: Json): Session {
  const identifier = String(answer["identifier"]);
  return {
    token: String(answer["token"]),
    identifier,
    kind: kindOf(identifier),
    expires: 1000 * Number(answer["expires"]),
  };
}

/* enum card_admission; 0: as in most meetings */
const ADMISSIONS: Record<Admission, number> = { join: 1, lobby: 2, refuse: 3 };
const CLASSES = ["member", "external", "device", "guest"] as const;

/** As card_make of src/wasm/tool.c reads it. */
function writePlan(
  w: Writer,
  credential: Credential,
  plan: MeetingPlan,
  server: { key: Uint8Array; root: Uint8Array },
): void {
  const at = Math.floor(Date.now() / 1000);
  const seconds = (ms: number | undefined) => Math.floor((ms ?? 0) / 1000);
  const from = seconds(plan.notBefore);
  const until = plan.personal ? 0 : Math.max(at, from) + DAYS_DEFAULT * DAY;
  const [, domain] = credential.identifier.split("@");
  w.list(credential.chain, (x, certificate) => x.vector(certificate));
  w.text(plan.title).u64(at).u64(from);
  w.u64(plan.notAfter === undefined ? until : seconds(plan.notAfter));
  w.list([credential.identifier, ...(plan.hosts ?? [])], (x, host) => x.text(host));
  w.list(plan.organisation ?? (domain ? [domain] : []), (x, name) => x.text(name));
  for (const one of CLASSES) {
    const unlocked = plan.unlocked?.[one];
    const locked = plan.locked?.[one];
    w.u8(unlocked ? ADMISSIONS[unlocked] : 0).u8(locked ? ADMISSIONS[locked] : 0);
  }
  w.u8(plan.joinBeforeHost ? 1 : 0).u16(plan.autoLockMinutes ?? 0).u8(plan.open ? 1 : 0);
  w.vector(server.key).vector(server.root);
}

export class RestAccount implements Account {
  constructor(
    readonly origin: string,
    private readonly client: Client,
  ) {}

  /** In our own words: what a server writes is not said to people as if we said it. */
  private async refuse(response: Response): Promise<never> {
    const body = (await response.json().catch(() => null)) as { error?: Json } | null;
    const code = body?.error?.["code"];
    const reason = await this.client.reason(typeof code === "string" ? code : "");
    throw new ConclaveError(reason.name, reason.text, reason);
  }

  private async call(method: string, path: string, token?: string, body?: Json): Promise<Json> {
    const headers: Record<string, string> = {};
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const init: RequestInit = { method, headers, redirect: "error", credentials: "omit" };
    if (body !== undefined) init.body = JSON.stringify(body);
    let response: Response;
    try {
      response = await fetch(`${this.origin}/api/v1${path}`, init);
    } catch {
      const reason = await this.client.reason("UNREACHABLE");
      throw new ConclaveError(reason.name, reason.text, reason);
    }
    if (!response.ok) return this.refuse(response);
    return response.status === 204 ? {} : ((await response.json()) as Json);
  }

  async methods() {
    const answer = await this.call("GET", "/sign-in");
    return { methods: answer["methods"] as string[], signUp: answer["sign_up"] === true };
  }
  async signIn(email: string, password: string): Promise<Session> {
    return sessionOf(await this.call("POST", "/sign-in", undefined, { email, password }));
  }
  async signUp(email: string, password: string): Promise<Session> {
    return sessionOf(await this.call("POST", "/sign-up", undefined, { email, password }));
  }
  async guest(): Promise<Session> {
    return sessionOf(await this.call("POST", "/guest", undefined, {}));
  }
  async isAdmin(session: Session): Promise<boolean> {
    return (await this.call("GET", "/session", session.token))["admin"] === true;
  }
  async signOut(session: Session): Promise<void> {
    await this.call("POST", "/sign-out", session.token);
  }

  async certify(session: Session, renew?: Credential): Promise<Credential> {
    const key =
      renew?.key ??
      (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, [
        "sign",
        "verify",
      ]));
    const csr = await this.client.tool("csr_make", new Uint8Array(0), key);
    const answer = await this.call("POST", "/certificate", session.token, { csr: base64(csr) });
    const notAfter = 1000 * Number(answer["not_after"]);
    const now = Date.now();
    return {
      key,
      chain: (answer["chain"] as string[]).map(unbase64),
      root: unbase64(String(answer["root"])),
      identifier: session.identifier,
      notAfter,
      renewAt: notAfter <= now ? now : now + ((notAfter - now) / 3) * 2,
    };
  }

  async create(session: Session, credential: Credential, plan: MeetingPlan): Promise<string> {
    const server = await this.call("GET", "/ca");
    const w = new Writer();
    writePlan(w, credential, plan, {
      key: unbase64(String(server["server_key"])),
      root: unbase64(String(server["root"])),
    });
    const r = new Reader(await this.client.tool("card_make", w.bytes(), credential.key));
    const card = base64(r.vector());
    const fragment = r.text();
    const body: Json = { card, personal: plan.personal === true };
    const accessHash = r.vector();
    if (!plan.open) body["access_hash"] = base64(accessHash);
    const answer = plan.personal
      ? await this.call("PUT", "/meetings/personal", session.token, body)
      : await this.call("POST", "/meetings", session.token, body);
    return this.linkOf(String(answer["link_base"]), fragment);
  }

  /** The link's secret goes nowhere but behind the # of a meeting's link, whatever the server says
   * that its front is. */
  private async linkOf(base: string, fragment: string): Promise<string> {
    const link = base + fragment;
    const parts = await this.client.link(link).catch(() => null);
    if (parts !== null && !base.includes("#")) return link;
    const reason = await this.client.reason("SERVER_ERROR");
    throw new ConclaveError(reason.name, reason.text, reason);
  }

  async meetings(session: Session): Promise<readonly MeetingEntry[]> {
    const out: MeetingEntry[] = [];
    let after: string | null = null;
    do {
      const query: string = after === null ? "" : `&after=${encodeURIComponent(after)}`;
      const page: Json = await this.call("GET", `/meetings?max=${PAGE}${query}`, session.token);
      for (const one of page["meetings"] as Json[]) {
        const title = await this.client.tool("card_title", unbase64(String(one["card"])));
        out.push({
          number: String(one["number"]),
          title: new TextDecoder().decode(title),
          personal: one["personal"] === true,
        });
      }
      after = typeof page["next"] === "string" ? page["next"] : null;
    } while (after !== null);
    return out;
  }

  async remove(session: Session, number: string): Promise<void> {
    await this.call("DELETE", `/meetings/${encodeURIComponent(number)}`, session.token);
  }
}
