/* From opening a page to being in a meeting: who one is, which meeting, which devices. */
import type { Account, Core, Credential, MeetingPlan, Session } from "../../../core/src/types";
import { engine } from "#engine";
import { t } from "../text";
import * as call from "./call";
import { startDevices, stopDevices } from "./devices";
import { missingFeatures, missingForMedia } from "./features";
import { keep, resume } from "./keep";
import { canMedia, type Problem } from "./model";
import { problemOf } from "./problem";
import { app, dispatch, set } from "./store";

export const LIMIT_NAME = 64; // bytes: PARTICIPANT_NAME_MAX
const USER = "user"; // of keep.sessions
const DAY_MS = 86_400_000;

let core: Promise<Core> | null = null;

function loadCore(): Promise<Core> {
  if (core !== null) return core;
  core = engine.loadCore();
  core.then(
    () => performance.mark("conclave-ready") /* for whoever measures */,
    () => (core = null) /* the next try is a new one */,
  );
  return core;
}

const account = async (): Promise<Account> => (await loadCore()).account(location.origin);

/** Work of which the user sees that it goes on; the result is what went wrong. */
async function tried(work: () => Promise<void>): Promise<Problem | null> {
  set({ busy: true, problem: null });
  try {
    await work();
    return null;
  } catch (error) {
    return problemOf(error);
  } finally {
    set({ busy: false });
  }
}

/** The same, told where the screen has its place for problems. */
async function busily(work: () => Promise<void>): Promise<boolean> {
  if (app.value.busy) return false;
  const problem = await tried(work);
  if (problem !== null) set({ problem });
  return problem === null;
}

/* ---- Opening the page ---- */

const meetingNumber = (): string => /^\/m\/(\d+)$/.exec(location.pathname)?.[1] ?? "";

export async function start(): Promise<void> {
  const missing = missingFeatures(globalThis as never);
  if (missing.length > 0) {
    set({ screen: { at: "unsupported", missing } });
    return;
  }
  set({ lacking: missingForMedia(globalThis as never) });
  addEventListener("popstate", () => void arrive());
  addEventListener("hashchange", () => void arrive());
  await arrive();
}

/** Who goes elsewhere, by the browser's buttons too, is no longer seen and heard here. */
async function quit(): Promise<void> {
  if (call.meeting() === null) return;
  if (app.value.phase !== "over") await call.attempt((m) => m.leave());
  await call.close();
  stopDevices();
  resume.forget();
  dispatch({ type: "leave-call" });
}

/** Shows what the address asks for. */
async function arrive(): Promise<void> {
  await quit();
  const { name } = (await keep.settings.get("person")) ?? {};
  const kept = await keep.sessions.get(USER);
  const session = kept !== null && kept.expires > Date.now() ? kept : null;
  const number = meetingNumber();
  set({ session, problem: null, number, name: app.value.name || (name ?? "") });
  if (number !== "") {
    await atTheDoor(location.href);
  } else {
    set({ link: null, screen: { at: "home" } });
    if (session !== null) void listMeetings();
  }
  void loadCore().catch(() => set({ problem: { text: t.problem.core, next: t.problem.coreNext } }));
  void askMethods();
}

/** Asks who one wants to be, unless the tab was in this meeting already. */
async function atTheDoor(link: string): Promise<void> {
  const kept = resume.get(link);
  const signedIn = app.value.session !== null;
  set({ link, screen: { at: "entrance" } });
  if (kept === null || !(kept.guest || signedIn)) return;
  await toDevices(kept.name, kept.guest);
  await join();
}

async function askMethods(): Promise<void> {
  try {
    set({ signUp: (await (await account()).methods()).signUp });
  } catch {
    /* Then nobody is offered to make an account; signing in tells what is wrong. */
  }
}

function go(address: string): void {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) {
    location.assign(url); /* the server is known by another name, too */
    return;
  }
  history.pushState(null, "", url);
  void arrive();
}

export function goHome(): void {
  stopDevices();
  go("/");
}

/* An open meeting's number, as people write it: docs/PROTOCOL.md section 2. */
function linkOf(text: string): string {
  const digits = text.replace(/[\s-]/g, "");
  return /^\d{10}$/.test(digits) ? `${location.origin}/m/${digits}` : text.trim();
}

/** A link typed or pasted; tells what is wrong with it, or null. */
export async function openLink(text: string): Promise<string | null> {
  try {
    const link = linkOf(text);
    const parts = await (await loadCore()).link(link);
    if (parts.origin !== location.origin) return t.home.otherServer;
    go(link);
    return null;
  } catch {
    return t.home.badLink;
  }
}

/* ---- Who one is ---- */

/** Tells what is wrong, or null: it is shown beside the fields. */
export const signIn = (email: string, password: string, create: boolean): Promise<Problem | null> =>
  tried(async () => {
    const a = await account();
    const session = create ? await a.signUp(email, password) : await a.signIn(email, password);
    await keep.sessions.put(USER, session);
    set({ session });
    if (app.value.screen.at === "home") await listMeetings();
  });

export const signOut = (): Promise<boolean> =>
  busily(async () => {
    const { session } = app.value;
    await keep.sessions.remove(USER);
    set({ session: null, meetings: null });
    if (session === null) return;
    await keep.credentials.remove(session.identifier);
    await (await account()).signOut(session);
  });

/** The key of before with its certificate, as long as that is good; else a new one. */
async function credentialOf(session: Session): Promise<Credential> {
  const kept = await keep.credentials.get(session.identifier);
  if (kept !== null && kept.renewAt > Date.now()) return kept;
  const alive = kept !== null && kept.notAfter > Date.now() ? kept : undefined;
  const made = await (await account()).certify(session, alive);
  await keep.credentials.put(session.identifier, made);
  return made;
}

/** A guest is the same one in the same meeting, so that a reload comes back to its place. */
async function guestSession(number: string): Promise<Session> {
  const kept = await keep.sessions.get(number);
  if (kept !== null && kept.expires > Date.now()) return kept;
  const made = await (await account()).guest();
  await keep.sessions.put(number, made);
  return made;
}

/* ---- Into the meeting ---- */

export const nameFits = (name: string): boolean =>
  new TextEncoder().encode(name).length <= LIMIT_NAME;

let asGuest = false;
let renewal: ReturnType<typeof setTimeout> | undefined;

/** Certificates are short-lived, and meetings may be long. */
function renewLater(session: Session, credential: Credential): void {
  clearTimeout(renewal);
  const ms = Math.min(Math.max(credential.renewAt - Date.now(), 0), DAY_MS);
  renewal = setTimeout(async () => {
    if (call.meeting() === null) return;
    try {
      const next = await credentialOf(session);
      if (next !== credential) await call.renew(next);
      renewLater(session, next);
    } catch (error) {
      call.tell(error);
    }
  }, ms);
}

export async function toDevices(name: string, guest: boolean): Promise<void> {
  asGuest = guest;
  set({ name: name.trim(), screen: { at: "devices" }, problem: null });
  await keep.settings.put("person", { name: name.trim() }).catch(() => undefined); /* for comfort */
  if (canMedia(app.value)) await startDevices();
}

export const backToEntrance = (): void => {
  stopDevices();
  set({ screen: { at: "entrance" }, problem: null });
};

export async function join(): Promise<void> {
  const { link, number, name, session } = app.value;
  if (link === null) return;
  const done = await busily(async () => {
    const who = asGuest || session === null ? await guestSession(number) : session;
    const credential = await credentialOf(who);
    const label = who.kind === "guest" ? t.people.unverified : who.identifier;
    const open = async () => (await loadCore()).open({ link, name, credential });
    await call.enter(open, name, label);
    renewLater(who, credential);
    resume.put({ link, name, guest: who.kind === "guest" });
  });
  if (!done && app.value.screen.at === "call") set({ screen: { at: "devices" } });
}

/** After a meeting is over for us: to its door again. */
export async function again(): Promise<void> {
  resume.forget();
  await call.close();
  dispatch({ type: "leave-call" });
  set({ screen: { at: "entrance" } });
}

/* ---- Making meetings ---- */

async function listMeetings(): Promise<void> {
  const { session } = app.value;
  if (session === null) return;
  try {
    set({ meetings: await (await account()).meetings(session) });
  } catch (error) {
    set({ problem: problemOf(error), meetings: [] });
  }
}

const numberOf = (link: string): string => new URL(link).pathname.split("/").pop() ?? "";

/** Makes a meeting and keeps its link here: the server does not know it. */
export async function create(plan: MeetingPlan): Promise<string | null> {
  let link: string | null = null;
  await busily(async () => {
    const { session } = app.value;
    if (session === null) return;
    const made = await (await account()).create(session, await credentialOf(session), plan);
    await keep.links.put(numberOf(made), made);
    link = made;
    void listMeetings();
  });
  return link;
}

const personName = (identifier: string): string => identifier.split("@")[0] ?? identifier;

export async function startNow(): Promise<void> {
  const who = personName(app.value.session?.identifier ?? "");
  const link = await create({ title: t.home.instantTitle(who), notAfter: Date.now() + DAY_MS });
  if (link !== null) go(link);
}

/** The room there is, if its link is kept here; else one is made, with the same number. */
export async function openPersonal(): Promise<void> {
  const room = app.value.meetings?.find((m) => m.personal);
  const kept = room === undefined ? null : await keep.links.get(room.number);
  const who = personName(app.value.session?.identifier ?? "");
  const link = kept ?? (await create({ title: t.home.personalTitle(who), personal: true }));
  if (link !== null) go(link);
}

/** The link of one of the user's meetings; null: it is not kept here. */
export const keptLink = (number: string): Promise<string | null> => keep.links.get(number);

export const goTo = go;

export const deleteMeeting = (number: string): Promise<boolean> =>
  busily(async () => {
    const { session } = app.value;
    if (session === null) return;
    await (await account()).remove(session, number);
    await keep.links.remove(number);
    await listMeetings();
  });
