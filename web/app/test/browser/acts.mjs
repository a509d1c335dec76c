/* What scenes are made of: how a scripted meeting gets somewhere. Pages, meeting and people are of
 * test/scripted; what the core says is out of its own catalogue. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { root } from "./harness.mjs";

export const LINK = `/m/4085551234#1.${"A".repeat(86)}`;
const ORGANISER = "barbara.german@company.com";

/* ---- What the core says ---- */

const catalogue = readFileSync(resolve(root, "src/signal/reason.c"), "utf8");
const macros = new Map(
  [...catalogue.matchAll(/^#define (\w+) "(.*)"$/gm)].map(([, name, text]) => [name, text]),
);
const textOf = (literals) =>
  literals
    .match(/"[^"]*"|\w+/g)
    .map((one) => (one.startsWith('"') ? one.slice(1, -1) : macros.get(one)))
    .join("");

/** A reason as src/signal/reason.c has it: name, text, cure. */
export function reason(name) {
  const found = new RegExp(`\\{"${name}",\\s*((?:"[^"]*"\\s*)+),\\s*([^}]+)\\}`).exec(catalogue);
  if (found === null) throw new Error(`The catalogue has no ${name}.`);
  return [name, textOf(found[1]), textOf(found[2])];
}

export const phase = (page, to, why = reason("NONE")) =>
  page.evaluate(
    ([next, because]) =>
      globalThis.script.meeting.setPhase(next, globalThis.script.reason(...because)),
    [to, why],
  );

export const notice = (page, severity, why) =>
  page.evaluate(
    ([how, because]) =>
      globalThis.script.meeting.emit({
        type: "notice",
        severity: how,
        reason: globalThis.script.reason(...because),
        leaf: null,
        text: "",
      }),
    [severity, why],
  );

/* ---- Into the meeting ---- */

export async function toDevices(page, origin, name = "Barbara German") {
  await page.goto(origin + LINK);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByRole("button", { name: "Join now" }).waitFor();
}

export async function signIn(page, origin, email = ORGANISER) {
  await page.goto(origin);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill("correct horse");
  await page.locator("form").getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

export async function join(page) {
  await page.getByRole("button", { name: "Join now" }).click();
  await page.waitForFunction(() => globalThis.script.meeting !== null);
  await page.evaluate((organiser) => {
    const { meeting, verified } = globalThis.script;
    meeting.facts = {
      title: "Intelligence, Security & Analytics",
      organiser,
      organiserIdentity: verified(organiser),
      open: false,
      inMeeting: false,
      locked: false,
      hostPresent: true,
      epoch: 0,
      startedAt: 0,
      members: 0,
      suite: 2,
      cardHash: "00",
    };
    meeting.emit({ type: "card" });
  }, ORGANISER);
}

/** In the meeting, alone, as its organiser or as a guest. */
export async function enter(page, origin, { host = true } = {}) {
  if (host) await signIn(page, origin);
  await toDevices(page, origin, host ? "Barbara German" : "Brandon Seeger");
  await join(page);
  await page.evaluate((isHost) => {
    const { meeting, person } = globalThis.script;
    meeting.facts = { ...meeting.facts, inMeeting: true, epoch: 1, startedAt: Date.now() - 754000 };
    meeting.people = [
      person(0, meeting.myName, meeting.myIdentity, {
        me: true,
        role: isHost ? "organiser" : "attendee",
      }),
    ];
    meeting.setPhase("in-meeting");
    meeting.epoch();
  }, host);
  await page.locator(".meeting").waitFor();
  await page.waitForFunction(() => globalThis.script.line !== null);
}

/* ---- Who is there ---- */

/** Others, until there are `n` with us. */
export async function crowd(page, n = 6) {
  await page.evaluate((count) => {
    const { meeting, line, person, verified, guest } = globalThis.script;
    const silent = { audio: false, camera: true, screen: false };
    const unseen = { audio: false, camera: false, screen: false };
    const others = [
      person(1, "Brandon Seeger", guest, { sends: silent }),
      person(2, "Brenda Song", verified("brenda.song@company.com"), { role: "cohost" }),
      person(3, "Giacomo Drago", verified("giacomo.drago@example.com", "Let's Encrypt")),
      person(4, "Maria Rossi", verified("maria.rossi@company.com"), { hand: true, sends: unseen }),
      person(5, "Simon Jones", verified("simon.jones@company.com"), { connected: false }),
    ];
    for (let i = 6; i < count; i++)
      others.push(person(i, `Person ${i}`, verified(`person${i}@company.com`)));
    others.slice(0, count - 1).forEach((p) => meeting.add(p));
    line.emit({ type: "state", state: "connected", cipher: "SRTP_AEAD_AES_256_GCM" });
    line.emit({ type: "speakers", leaves: [count > 3 ? 3 : 1] });
    for (const p of meeting.people)
      if (!p.me && p.leaf % 5 !== 4 && p.connected) line.show(p.leaf, "camera");
  }, n);
}

/** Names as long as they may be, one without a space, one that is not Latin, short ones, none at all. */
export const longNames = (page) =>
  page.evaluate(() => {
    const { meeting, line, person, verified, guest } = globalThis.script;
    const long = "subsidiary-for-special-measurements.holding.example.com";
    meeting.add(
      person(1, "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenh", guest),
    );
    meeting.add(
      person(2, "Maria Fernanda Guadalupe de la Concepción Rodríguez y Álvarez", {
        ...verified(
          `maria.fernanda.guadalupe@${long}`,
          "Commercial Registration Authority Root X2",
        ),
        category: "external",
      }),
    );
    meeting.add(
      person(3, "陳大文　王小明　李四", verified("chan@company.com"), { sameName: true }),
    );
    meeting.add(person(4, "", guest, { hand: true }));
    meeting.add(person(5, "Al", guest));
    meeting.add(person(6, "Bo", verified("bo@company.com")));
    line.show(2, "camera");
  });

/** A meeting room's device. */
export const device = (page) =>
  page.evaluate(() => {
    const { meeting, line, person, verified } = globalThis.script;
    const room = { ...verified("boardroom.company.com"), category: "device", kind: "device" };
    meeting.add(person(8, "Boardroom", { ...room, label: "boardroom.company.com" }));
    line.show(8, "camera");
  });

export const lobby = (page) =>
  page.evaluate(() => {
    const { meeting, verified, guest } = globalThis.script;
    const since = Date.now();
    const people = ["Flora Boone", "Angela Estrada", "Travis Jimenez", "Bessie Cooper"];
    for (const name of people) {
      const address = `${name.toLowerCase().replace(" ", ".")}@company.com`;
      meeting.knock({ ref: address, since, name, identity: verified(address) });
    }
    const cody = verified("cody.fisher@tmedemo.com", "Let's Encrypt");
    meeting.knock({ ref: "c", since, name: "Cody Fisher", identity: cody });
    meeting.knock({ ref: "g", since, name: "Annette Black", identity: guest });
  });

/** In the meeting, with five others. */
export async function full(page, origin, how) {
  await enter(page, origin, how);
  await crowd(page);
}

/** It is over for us, and this is why. */
export async function over(page, origin, name) {
  await full(page, origin, { host: false });
  await phase(page, "over", reason(name));
}

/** It was over before it began. */
export async function turnedAway(page, origin, name) {
  await toDevices(page, origin, "Brandon Seeger");
  await join(page);
  await phase(page, "over", reason(name));
}

/* ---- What is clicked ---- */

export const control = (page, name) =>
  page.locator(".control-bar").getByRole("button", { name }).first();

export async function openInfo(page, tab) {
  await page.getByRole("button", { name: "End-to-end encrypted" }).click();
  await page.getByRole("tab", { name: tab }).click();
}

export async function openActions(page, name) {
  await control(page, "Participants").click();
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
}

/** Cameras and microphones answer with this error of getUserMedia(). */
export const withoutDevices = (page, error) =>
  page.addInitScript((name) => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
  }, error);

/** The browser is one that lacks this. */
export const without = (page, feature) =>
  page.addInitScript((name) => {
    Object.defineProperty(globalThis, name, { value: undefined });
  }, feature);
