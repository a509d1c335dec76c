/* A real meeting: the server, a native host, and guests in browsers. What they see and hear is looked
 * at, not only counted. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { openPage, startBrowser, startServer } from "./harness.mjs";
import { makeMeeting, PASSWORD } from "./native.mjs";
import {
  codeOf,
  control,
  headed,
  hostOf as bringHost,
  knock as bring,
  notHere,
  sameCode,
  tileOf,
  WEB,
} from "./people.mjs";

const why = notHere();
const options = { skip: why ?? false };

let server;
let browser;
const opened = []; // contexts and programs of one test

before(async () => {
  if (why !== null) return;
  server = await startServer(WEB);
  browser = await startBrowser("--autoplay-policy=no-user-gesture-required");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
afterEach(async () => {
  for (const end of opened.splice(0)) await end();
});

/* ---- People ---- */

const hostOf = (link, ...more) => bringHost(opened, server, link, ...more);
const knock = (link, name) => bring(opened, browser, link, name);

async function guest(link, name) {
  const { page, faults } = await knock(link, name);
  await page.locator(".meeting").waitFor();
  return { page, faults };
}

/* ---- What they see ---- */

/** A picture that is not black and that moves. */
async function moves(page, name) {
  const video = tileOf(page, name).locator("video");
  await video.waitFor();
  const seen = new Set();
  for (let i = 0; i < 100 && seen.size < 3; i++) {
    const sample = await video.evaluate((v) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [32, 18];
      const g = canvas.getContext("2d");
      g.drawImage(v, 0, 0, 32, 18);
      const { data } = g.getImageData(0, 0, 32, 18);
      return { light: data.reduce((a, b, at) => (at % 4 === 3 ? a : a + b), 0), text: data.join() };
    });
    if (sample.light > 32 * 18 * 10) seen.add(sample.text);
    await page.waitForTimeout(100);
  }
  assert.ok(seen.size >= 3, `${name}: no moving picture`);
}

/** Sound that is not silence, out of what is played. */
async function hears(page) {
  await page.locator("audio").first().waitFor({ state: "attached" });
  const heard = await page.evaluate(async () => {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    for (const audio of document.querySelectorAll("audio"))
      context.createMediaStreamSource(audio.srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    for (let i = 0; i < 200; i++) {
      analyser.getFloatTimeDomainData(samples);
      if (samples.some((x) => Math.abs(x) > 0.01)) return true;
      await new Promise((done) => setTimeout(done, 50));
    }
    return false;
  });
  assert.ok(heard, "nothing is heard");
}

/* ---- The stories ---- */

test("a guest waits in the lobby, is let in, and all have the same code", options, async () => {
  const link = await makeMeeting(server);
  const host = await hostOf(link);
  const { page, faults } = await knock(link, "Bo");
  await headed(page, "Waiting for a host to let you in");
  const { waiting } = await host.wait((e) => e.event === "lobby" && e.waiting.length === 1);
  assert.equal(waiting[0].name, "Bo");
  assert.equal(waiting[0].identity.category, "unverified");
  host.tell({ do: "admit", number: waiting[0].number });
  await page.locator(".meeting").waitFor();
  await sameCode([page], [host]);
  assert.match(await tileOf(page, "Ada").innerText(), /conclave\.test/);
  assert.match(await tileOf(page, "Bo").innerText(), /Unverified/);
  assert.deepEqual(faults, []);
});

test("two browsers and a native host see and hear each other, and chat", options, async () => {
  const link = await makeMeeting(server, "--everybody");
  const host = await hostOf(link, "--synthetic", "7");
  const bo = await guest(link, "Bo");
  const cy = await guest(link, "Cy");
  await sameCode([bo.page, cy.page], [host]);
  for (const [viewer, name] of [
    [bo, "Ada"],
    [bo, "Cy"],
    [cy, "Ada"],
    [cy, "Bo"],
  ])
    await moves(viewer.page, name);
  for (const { page } of [bo, cy]) await hears(page);

  await control(bo.page, /^Chat/).click();
  await bo.page.getByLabel("Message to everybody").fill("Is there tea?");
  await bo.page.getByRole("button", { name: "Send" }).click();
  await host.wait((e) => e.event === "chat" && e.text === "Is there tea?");
  host.tell({ do: "say", text: "There is." });
  for (const { page } of [bo, cy]) {
    if ((await page.locator(".messages").count()) === 0) await control(page, /^Chat/).click();
    await page.locator(".message-text", { hasText: "There is." }).waitFor();
  }
  await bo.page.getByRole("button", { name: "Close" }).first().click();
  await control(bo.page, "Raise hand").click();
  await host.wait((e) => e.event === "hand" && e.raised === true);
  assert.deepEqual([bo.faults, cy.faults], [[], []]);
});

test("a host mutes: the sound stops, all see it, and the guest may undo it", options, async () => {
  const link = await makeMeeting(server, "--everybody");
  const host = await hostOf(link, "--synthetic", "5");
  const { page, faults } = await guest(link, "Bo");
  const sends = async (name) => {
    const before = host.events.length;
    host.tell({ do: "who" });
    const fits = (e) => e.answer === "who" && host.events.indexOf(e) >= before;
    const { people } = await host.wait(fits, "an answer who is here");
    return people.find((p) => p.name === name);
  };
  const becomes = async (name, list) => {
    for (let i = 0; i < 100; i++) {
      const person = await sends(name);
      if (JSON.stringify(person.sends) === JSON.stringify(list)) return person.number;
      await page.waitForTimeout(100);
    }
    assert.fail(`${name} does not send ${list}`);
  };
  const number = await becomes("Bo", ["sound", "camera"]);
  host.tell({ do: "ask-mute", number });
  await page.getByText("“Ada” (conclave.test) muted you").waitFor();
  await becomes("Bo", ["camera"]);
  await control(page, "Unmute").click();
  await becomes("Bo", ["sound", "camera"]);
  await control(page, /^Participants/).click();
  const ada = page.locator(".person", { hasText: "Ada" });
  await ada.getByRole("img", { name: /Microphone on|Speaking/ }).waitFor();
  host.tell({ do: "mute" });
  await ada.getByRole("img", { name: "Muted" }).waitFor();
  await tileOf(page, "Ada").getByRole("img", { name: "Muted" }).waitFor();
  assert.deepEqual(faults, []);
});

test("who is removed is told so, and the code of the others changes", options, async () => {
  const link = await makeMeeting(server, "--everybody");
  const host = await hostOf(link);
  const bo = await guest(link, "Bo");
  const before = await sameCode([bo.page], [host]);
  const { people } = await host.ask("who");
  host.tell({ do: "eject", number: people.find((p) => p.name === "Bo").number });
  await headed(bo.page, "You were removed from the meeting");
  assert.equal(await bo.page.locator("video").count(), 0);
  assert.notEqual(await codeOf(host), before);
});

test("a name typed before signing in is kept", options, async () => {
  const link = await makeMeeting(server, "--everybody");
  const context = await browser.newContext();
  opened.push(() => context.close());
  const { page } = await openPage(context, server.url);
  await page.goto(link);
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("E-mail address").fill("ada@conclave.test");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.locator("form").getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("Continue as ada@conclave.test").waitFor();
  assert.equal(await page.getByLabel("Your name").inputValue(), "Ada Lovelace");
});

test("a page that is loaded anew comes back to its place", options, async () => {
  const link = await makeMeeting(server, "--everybody");
  const host = await hostOf(link);
  const { page } = await guest(link, "Bo");
  await sameCode([page], [host]);
  await page.reload();
  await page.locator(".meeting").waitFor();
  await sameCode([page], [host]);
  const { people } = await host.ask("who");
  assert.equal(people.filter((p) => p.name === "Bo").length, 1);
});

test("a server that dies is waited for: same code, and pictures again", options, async () => {
  const link = await makeMeeting(server, "--everybody");
  const host = await hostOf(link, "--synthetic", "3");
  const { page } = await guest(link, "Bo");
  const before = await sameCode([page], [host]);
  await moves(page, "Ada");
  const told = page.getByText("Connection lost. Reconnecting");
  const cut = told.waitFor(); /* before: it may be short */
  await server.restart();
  await cut;
  await told.waitFor({ state: "detached" });
  assert.equal(await sameCode([page], [host]), before);
  await moves(page, "Ada");
});

test("an ended meeting and a link that is wrong are told as what they are", options, async () => {
  const link = await makeMeeting(server, "--everybody");
  const host = await hostOf(link);
  const { page } = await guest(link, "Bo");
  host.tell({ do: "end" });
  await headed(page, "The meeting has ended");
  const other = await knock(link.replace(/.{4}$/, "AAAA"), "Cy");
  await headed(other.page, "The server knows no meeting of this link");
});

test("somebody signs up, makes a meeting and is its host in the browser", options, async () => {
  const context = await browser.newContext();
  opened.push(() => context.close());
  const { page, faults } = await openPage(context, server.url);
  await page.goto(server.url);
  await page.getByRole("button", { name: /No account yet/ }).click();
  await page.getByLabel("E-mail address").fill("grace@conclave.test");
  await page.getByLabel("Password").fill("a password of good length");
  await page.getByRole("button", { name: "Make an account" }).click();
  await page.getByRole("button", { name: /^New meeting/ }).click();
  await page.getByLabel("Your name").fill("Grace");
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByRole("button", { name: "Join now" }).click();
  await page.locator(".meeting").waitFor();
  const bo = await knock(page.url(), "Bo");
  await page.getByRole("button", { name: "View" }).click();
  await page.getByRole("button", { name: "Admit Bo" }).click();
  await bo.page.locator(".meeting").waitFor();
  await page.getByRole("button", { name: "Lock meeting" }).click();
  await page.getByRole("button", { name: "Unlock meeting" }).waitFor();
  await sameCode([page, bo.page], []);
  assert.deepEqual([faults, bo.faults], [[], []]);
});
