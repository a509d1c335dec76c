/* One meeting of three browsers and two native participants, from the lobby to a removal. Each sends
 * a picture and a tone that name their sender; what comes of them is looked at in every browser and
 * in what the natives record. With CALL_QUICK=1 there are two browsers and less happens. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Cable } from "./cable.mjs";
import { fakeDevices, hertz } from "./card.mjs";
import { openEyes } from "./eyes.mjs";
import { openPage, startBrowser, startServer } from "./harness.mjs";
import { makeMeeting, Native } from "./native.mjs";
import {
  control,
  headed,
  hostOf,
  isIn,
  knock,
  knockIn,
  notHere,
  sameCode,
  tileOf,
  WEB,
} from "./people.mjs";
import { keepWorkers, opens, seal } from "./probe.mjs";
import { cardsOf, LAST, picturesOf, tonesOf } from "./recording.mjs";

const why = notHere();
const PATIENCE_MS = 60_000; // machines are busy

/* If it is to be quick: two browsers, and nothing that takes long. */
const QUICK = process.env.CALL_QUICK === "1";
const LONG = /loaded anew|network|locked/;
const NATIVES = ["Ada", "Dan"];
const BROWSERS = QUICK ? ["Bo", "Cy"] : ["Bo", "Cy", "Eve"];
const ALL = [...NATIVES, ...BROWSERS];

/* As which sender each is known: colours and tones that are far apart. */
const SENDERS = { Ada: 1, Dan: 4, Bo: 7, Cy: 10, Eve: 13 };
const TONES = ALL.map((name) => hertz(SENDERS[name]));

let folder;
let server;
let link;
const opened = [];
const people = {}; // by name: natives, and { page, faults, cable } of browsers

before(async () => {
  if (why !== null) return;
  folder = await mkdtemp(join(tmpdir(), "conclave-call-"));
  server = await startServer(WEB);
  link = await makeMeeting(server, "--locked-refuse");
});
after(async () => {
  for (const end of opened.reverse()) await end();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/* ---- Coming in ---- */

const recordings = (name) => join(folder, `of-${name}`);
const sends = (name) => ["--synthetic", String(SENDERS[name]), "--record", recordings(name)];

/* Chromium takes its fake devices from the command line: each person has a process of their own. */
async function openBrowser(name) {
  const cable = await Cable.to(server.url);
  const devices = await fakeDevices(folder, SENDERS[name]);
  const browser = await startBrowser("--autoplay-policy=no-user-gesture-required", ...devices);
  opened.push(
    () => cable.close(),
    () => browser.close(),
  );
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  await openEyes(context);
  const { page, faults } = await openPage(context, cable.url);
  page.setDefaultTimeout(PATIENCE_MS);
  people[name] = { browser, page, faults, cable };
  return people[name];
}

const throughCable = (cable) => link.replace(server.url, cable.url);

const pages = () => BROWSERS.map((name) => people[name].page);
const natives = () => NATIVES.map((name) => people[name]);

/* ---- Seeing and hearing ---- */

async function until(ask, fits, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const said = await ask();
    if (fits(said)) return said;
    if (Date.now() > end) assert.fail(`${what}: never; but ${JSON.stringify(said)}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

const toneOf = (name) => hertz(SENDERS[name]);
const isOf = (card, name) =>
  card !== null && card.sender === SENDERS[name] && card.colour === SENDERS[name];

/* Each of them moves in their own tile, our own picture too, and nobody in anybody else's. */
async function sees(viewer, names = ALL) {
  const tiles = await people[viewer].page.evaluate(
    ([n, ms]) => globalThis.eyes.watch(n, ms),
    [names.length, PATIENCE_MS],
  );
  for (const { text, cards } of tiles) {
    const name = names.find((one) => text.includes(one));
    const wrong = cards.find((card) => !isOf(card, name));
    assert.equal(wrong, undefined, `${viewer} sees in the tile of ${text} another's card`);
  }
  const moving = tiles.filter(({ cards }) => cards.length >= 3).map(({ text }) => text);
  assert.equal(moving.length, names.length, `${viewer} sees move: ${moving}`);
}

const heardBy = (name, ms) =>
  people[name].page.evaluate(([hz, time]) => globalThis.eyes.hear(hz, time), [TONES, ms]);

/* The tones of all these, sooner or later, and no other's. */
async function hears(listener, names) {
  const wanted = names.map(toneOf);
  const all = new Set();
  const listen = async () => {
    for (const hz of await heardBy(listener, 1500)) all.add(hz);
    const foreign = [...all].filter((hz) => !wanted.includes(hz));
    assert.deepEqual(foreign, [], `${listener} hears others than ${names}`);
    return [...all];
  };
  await until(listen, (heard) => heard.length === names.length, `${listener} hears ${names}`);
}

/* From now on: what was recorded before does not count. */
async function gets(native, name, page) {
  const at = recordings(native);
  const pictures = await picturesOf(at, name);
  const { seconds } = await tonesOf(page, at, name, TONES);
  await until(
    async () =>
      (await picturesOf(at, name)) >= pictures + LAST ? cardsOf(page, at, name) : "too few",
    (cards) => cards.length === LAST && cards.every((card) => isOf(card, name)),
    `${native} gets pictures of ${name}`,
  );
  await until(
    () => tonesOf(page, at, name, TONES),
    (sound) => sound.seconds > seconds + 1.5 && String(sound.heard) === String(toneOf(name)),
    `${native} gets the tone of ${name}`,
  );
}

/* ---- The story ---- */

const others = (name) => ALL.filter((one) => one !== name);
const each = (names, work) => Promise.all(names.map(work));
const isTold = (page, text) => page.getByText(text).first().waitFor();

async function numberOf(name) {
  const { people: all } = await people.Ada.ask("who");
  const found = all.filter((person) => person.name === name);
  assert.equal(found.length, 1, `${name} is there once`);
  return found[0].number;
}

/* After something has happened to one of the browsers: it sees and hears, and is seen and heard. */
async function isBack(name) {
  const { page } = people[name];
  const witness = BROWSERS.find((one) => one !== name);
  await sees(name);
  await hears(name, others(name));
  await sees(witness);
  await gets("Dan", name, page);
  return sameCode(pages(), natives());
}

async function says(page, text) {
  await page.getByLabel("Message to everybody").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

const STORY = {
  "those in the lobby are let in by the host": async () => {
    people.Ada = await hostOf(opened, server, link, ...sends("Ada"));
    people.Dan = Native.join(link, "Dan", ...sends("Dan"));
    opened.push(() => people.Dan.stop());
    await each(BROWSERS, async (name) => {
      const { page, cable } = await openBrowser(name);
      await knockIn(page, throughCable(cable), name);
      await headed(page, "Waiting for a host to let you in");
    });
    await people.Ada.wait((e) => e.event === "lobby" && e.waiting.length === ALL.length - 1);
    await people.Ada.ask("admit-all");
    await each(pages(), (page) => page.locator(".meeting").waitFor());
    await isIn(people.Dan);
  },

  "all show the same code": () => sameCode(pages(), natives()),

  "each browser sees all others, each in their own tile": () => each(BROWSERS, (one) => sees(one)),

  "each browser hears the tones of all others, and not its own": () =>
    each(BROWSERS, (one) => hears(one, others(one))),

  "the natives get pictures and tones of each browser": () =>
    each(BROWSERS, (one) =>
      each(NATIVES, (native) => gets(native, one, people[one].page)),
    ),

  "what is written is read by all, from browsers and natives": async () => {
    await each(pages(), (page) => control(page, /^Chat/).click());
    await says(people.Bo.page, "Is there tea?");
    await people.Dan.ask("say", { text: "There is." });
    const reads = (one, text) => one.wait((e) => e.event === "chat" && e.text === text);
    await each(natives(), (one) => reads(one, "Is there tea?"));
    await reads(people.Ada, "There is.");
    for (const text of ["Is there tea?", "There is."])
      await each(pages(), (page) => page.locator(".message-text", { hasText: text }).waitFor());
  },

  "a page that is loaded anew has its place again, and media both ways": async () => {
    const before = await numberOf("Cy");
    await people.Cy.page.reload();
    await people.Cy.page.locator(".meeting").waitFor();
    await isBack("Cy");
    assert.equal(await numberOf("Cy"), before);
  },

  "a cut network is told, and all is back when it is": async () => {
    const { page, cable } = people.Cy;
    const code = await sameCode(pages(), natives());
    cable.pull();
    await isTold(page, "Connection lost. Reconnecting");
    cable.plug();
    await page.getByText("Connection lost. Reconnecting").waitFor({ state: "detached" });
    assert.equal(await isBack("Cy"), code);
  },

  "a network that fails in silence is told, and all is back when it is": async () => {
    const { page, cable } = people.Eve;
    const code = await sameCode(pages(), natives());
    cable.pull("silently");
    await isTold(page, "Reconnecting");
    cable.plug();
    await page.getByText("Reconnecting").first().waitFor({ state: "detached" });
    assert.equal(await isBack("Eve"), code);
  },

  "who comes to a locked meeting is told so": async () => {
    await people.Ada.ask("lock");
    await people.Ada.wait((e) => e.event === "state" && e.meeting.locked);
    const { page } = await knock(opened, people.Eve.browser, link, "Zoe");
    await headed(page, "The meeting is locked");
    await isTold(page, "Ask a host of the meeting.");
  },

  "who is removed is told so, stops everywhere and opens nothing more": async () => {
    const { page } = people.Bo;
    await keepWorkers(page);
    assert.ok(await opens(page, await seal(people.Cy.page)), "before, a frame of Cy opens at Bo");
    const code = await sameCode(pages(), natives());
    await people.Ada.ask("eject", { number: await numberOf("Bo") });
    await headed(page, "You were removed from the meeting");
    assert.equal(await page.locator("video, audio").count(), 0);
    const left = BROWSERS.filter((name) => name !== "Bo");
    for (const name of left) {
      const from = people[name].page;
      await tileOf(from, "Bo").waitFor({ state: "detached" });
      const opened = async () => opens(page, await seal(from));
      await until(opened, (open) => !open, `${name} seals with new keys`);
      assert.equal(await opened(), false, `a frame of ${name} opens at Bo`);
      assert.equal(await opens(from, await seal(page)), false, `a frame of Bo opens at ${name}`);
    }
    const rest = left.map((name) => people[name].page);
    await each(left, (name) => sees(name, others("Bo")));
    await each(left, (name) => hears(name, others("Bo").filter((one) => one !== name)));
    const pictures = () => each(NATIVES, (native) => picturesOf(recordings(native), "Bo"));
    const before = await pictures();
    assert.notEqual(await sameCode(rest, natives()), code);
    await each(left, (name) => gets("Dan", name, people[name].page));
    assert.deepEqual(await pictures(), before, "natives still get pictures of Bo");
  },
};

const title = `${QUICK ? "two" : "three"} browsers and two native participants`;
test(title, { skip: why ?? false }, async (t) => {
  for (const [what, show] of Object.entries(STORY))
    await t.test(what, { skip: QUICK && LONG.test(what) }, show);
  const wasCut = /^console: WebSocket connection/; // by us
  for (const name of BROWSERS)
    assert.deepEqual(
      people[name].faults.filter((fault) => !wasCut.test(fault)),
      [],
    );
});
