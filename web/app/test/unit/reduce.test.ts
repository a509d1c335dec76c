import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AppState,
  asksToCompare,
  initial,
  LIMIT_CHAT,
  LIMIT_REACTIONS,
  mayEject,
  mayHost,
  mayMakeCohost,
} from "../../src/state/model";
import { type Action, reduce, type Views } from "../../src/state/reduce";
import { guest, person, verified } from "../scripted/meeting";

const ada = person(0, "Ada", verified("ada@company.com"), { me: true, role: "organiser" });
const bob = person(1, "Bob", guest);
const eve = person(2, "Eve", verified("eve@company.com"));

const views = (change: Partial<Views> = {}): Action => ({
  type: "views",
  views: {
    phase: "in-meeting",
    end: null,
    info: null,
    roster: [ada, bob, eve],
    lobby: [],
    ...change,
  },
});

const play = (...actions: Action[]): AppState =>
  actions.reduce(reduce, reduce(initial, { type: "enter", name: "Ada", label: "company.com" }));

const said = (leaf: number, id: string): Action => ({ type: "said", leaf, id, text: id, at: 1 });

test("a message bears the name and identity that its sender had when it came", () => {
  const s = play(views(), said(1, "a"), views({ roster: [ada] }));
  assert.equal(s.chat[0]?.name, "Bob");
  assert.equal(s.chat[0]?.identity?.category, "unverified");
});

test("messages count as unread until the chat is opened, and not while it is open", () => {
  const s = play(views(), said(1, "a"), said(2, "b"));
  assert.equal(s.unread, 2);
  const open = reduce(s, { type: "panel", panel: "chat" });
  assert.equal(open.unread, 0);
  assert.equal(reduce(open, said(1, "c")).unread, 0);
});

test("one's own message is on its way until it came back", () => {
  const s = play(views(), { type: "say", id: "x", text: "hello", at: 1 });
  assert.equal(s.chat[0]?.sent, false);
  assert.equal(s.unread, 0);
  assert.equal(reduce(s, { type: "sent", id: "x" }).chat[0]?.sent, true);
});

test("a long meeting does not keep all that was said", () => {
  const lines = Array.from({ length: LIMIT_CHAT + 10 }, (_, i) => said(1, String(i)));
  const s = play(views(), ...lines);
  assert.equal(s.chat.length, LIMIT_CHAT);
  assert.equal(s.chat.at(-1)?.id, String(LIMIT_CHAT + 9));
});

test("many reactions at once stay within what is shown", () => {
  const many = Array.from(
    { length: 100 },
    (): Action => ({ type: "reaction", leaf: 1, emoji: "👍" }),
  );
  const s = play(views(), ...many);
  assert.equal(s.reactions.length, LIMIT_REACTIONS);
  assert.equal(new Set(s.reactions.map((r) => r.key)).size, LIMIT_REACTIONS);
});

const notice = (severity: "info" | "warning" | "alarm", title: string): Action => ({
  type: "notice",
  severity,
  title,
  next: "",
  at: 1,
});

test("an alarm marks the meeting for good, also after it was dismissed", () => {
  const s = play(views(), notice("alarm", "Attack"));
  const key = s.toasts[0]?.key ?? -1;
  const after = reduce(s, { type: "dismiss", key });
  assert.equal(after.toasts.length, 0);
  assert.equal(after.alarmed, true);
  assert.equal(after.log.length, 1);
});

test("a warning does not mark the meeting, and information is not logged", () => {
  const s = play(views(), notice("warning", "Careful"), notice("info", "By the way"));
  assert.equal(s.alarmed, false);
  assert.deepEqual(
    s.log.map((n) => n.title),
    ["Careful"],
  );
});

test("the same notice again takes the place of the one still seen", () => {
  const s = play(views(), notice("warning", "Careful"), notice("warning", "Careful"));
  assert.equal(s.toasts.length, 1);
  assert.equal(s.log.length, 2);
});

test("a new epoch's code is not shown before it was computed", () => {
  const s = play(views(), { type: "code", code: "KKH" }, { type: "epoch" });
  assert.equal(s.code, null);
});

test("who is shown large and leaves is shown large no longer", () => {
  const s = play(views(), { type: "set", change: { pinned: 1 } }, views({ roster: [ada, eve] }));
  assert.equal(s.pinned, null);
});

test("another call begins with nothing of the last one", () => {
  const s = play(views(), said(1, "secret"), notice("alarm", "Attack"), {
    type: "code",
    code: "KKH",
  });
  const next = reduce(s, { type: "enter", name: "Ada", label: "" });
  assert.deepEqual(
    [next.chat, next.toasts, next.log, next.code, next.alarmed, next.roster],
    [[], [], [], null, false, []],
  );
});

test("what happens is said in words", () => {
  const words = (...actions: Action[]) => play(views(), ...actions).captions.at(-1)?.text ?? "";
  assert.equal(words({ type: "joined", leaf: 1 }), "Bob joined");
  assert.equal(words({ type: "gone", leaf: 1, name: "Bob", how: "ejected" }), "Bob was removed");
  assert.equal(words(said(1, "hi")), "Bob says: hi");
  const waiting = { ref: "r", since: 0, sameName: false, name: "Cy", identity: guest };
  assert.match(words(views({ lobby: [waiting] })), /1 person is waiting/);
  assert.equal(words(views({ phase: "reconnecting" })), "Connection lost");
});

test("of several things at once each is said", () => {
  const s = play(
    views(),
    { type: "code", code: "KKH" },
    { type: "joined", leaf: 1 },
    { type: "epoch" },
  );
  assert.deepEqual(
    s.captions.map((c) => c.text),
    ["Bob joined", "The security code has changed"],
  );
});

const as = (role: "attendee" | "cohost" | "host" | "organiser"): AppState =>
  play(views({ roster: [{ ...ada, role }, bob, eve] }));

test("only hosts and co-hosts see what hosts may do", () => {
  assert.equal(mayHost(as("attendee")), false);
  for (const role of ["cohost", "host", "organiser"] as const) assert.ok(mayHost(as(role)));
});

test("nobody removes the organiser or themselves, and a co-host no host", () => {
  const host = { ...eve, role: "host" as const };
  const organiser = { ...eve, role: "organiser" as const };
  assert.ok(mayEject(as("host"), bob));
  assert.ok(mayEject(as("host"), host));
  assert.ok(!mayEject(as("cohost"), host));
  assert.ok(!mayEject(as("host"), organiser));
  assert.ok(!mayEject(as("host"), ada));
  assert.ok(!mayEject(as("attendee"), bob));
});

test("only the verified are made co-hosts, and by hosts alone", () => {
  assert.ok(mayMakeCohost(as("host"), eve));
  assert.ok(!mayMakeCohost(as("host"), bob));
  assert.ok(!mayMakeCohost(as("cohost"), eve));
});

test("reactions are pictures, and no words", () => {
  const s = (emoji: string) => play(views(), { type: "reaction", leaf: 1, emoji }).reactions.length;
  for (const emoji of ["👍", "❤️", "👩‍🚀", "🇪🇺", "👋🏽"]) assert.equal(s(emoji), 1, emoji);
  for (const text of ["", "verified", "Ada 👍", "company.com", "1", "<b>"]) assert.equal(s(text), 0, text);
});

test("an alarm is not crowded out by what is less", () => {
  const crowd = Array.from({ length: 120 }, (_, i) => notice("warning", `warning ${i}`));
  const s = play(notice("alarm", "attack"), ...crowd);
  assert.equal(s.toasts[0]?.title, "attack");
  assert.equal(s.toasts.length, 4);
  assert.equal(s.log[0]?.title, "attack");
  assert.equal(s.log.length, 100);
});

test("what was said loudly is not taken back by saying it quietly", () => {
  const s = play(notice("alarm", "silent"), notice("warning", "silent"));
  assert.deepEqual(
    s.toasts.map((n) => [n.severity, n.stays]),
    [["alarm", true]],
  );
  const louder = play(notice("warning", "silent"), notice("alarm", "silent"));
  assert.equal(louder.toasts[0]?.severity, "alarm");
  assert.equal(louder.toasts.length, 1);
});

test("what is a reason to compare stays one until the codes were found the same", () => {
  const silent: Action = { ...notice("warning", "silent"), stays: true } as Action;
  const key = play(silent).toasts[0]?.key ?? -1;
  const seen = reduce(play(silent), { type: "dismiss", key });
  assert.equal(asksToCompare(seen), true);
  const compared = reduce(play(silent), { type: "compared" });
  assert.equal(asksToCompare(compared), false);
  assert.deepEqual(compared.toasts, []);
  assert.equal(compared.log.length, 1);
  assert.equal(asksToCompare(reduce(play(notice("alarm", "attack")), { type: "compared" })), true);
});

test("whom the server removes is not said to have left", () => {
  const before = play(views());
  const after = reduce(before, { type: "gone", leaf: 1, name: "Bob", how: "by-server" });
  assert.deepEqual(after.captions, before.captions);
});
