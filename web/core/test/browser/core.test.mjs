// The core in Chromium, against the native server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { noCases, readCases } from "../../dist-test/test/cases.js";
import { chromiumIsThere, startBrowser, startProxy, startServer } from "./harness.mjs";

const skip = chromiumIsThere ? false : "there is no Chromium";
let server, proxy, browser;

before(async () => {
  if (skip) return;
  server = await startServer();
  proxy = await startProxy(server.url);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  proxy?.stop();
  await server?.stop();
});

async function openPage(context) {
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(proxy.origin);
  await page.waitForFunction("window.ready");
  return page;
}

for (const bridge of ["jspi", "shared", "software"])
  test(`two meet, one loads the page again, over the ${bridge} bridge`, { skip }, async () => {
    const context = await browser.newContext();
    const page = await openPage(context);
    const first = await page.evaluate(async (bridge) => {
      const core = await conclave.loadCore(bridge === "jspi" ? {} : { bridge });
      if (core.bridge !== bridge) throw new Error(`the bridge is ${core.bridge}`);
      const account = core.account(location.origin);
      const session = await account.signUp(`${bridge}@conclave.test`, "a password of good length");
      const credential = await account.certify(session);
      if (credential.key.privateKey.extractable) throw new Error("the key can be taken out");
      await conclave.keepCredential("host", credential);
      const link = await account.create(session, credential, { title: "Tea" });
      const host = await core.open({ link, name: "Ada", credential, connect });
      const visitor = await account.certify(await account.guest());
      const began = performance.now();
      const other = await core.open({
        link,
        name: "Bob",
        credential: visitor,
        connect,
        store: null,
      });
      await until("Bob waits", () => host.lobby().length === 1);
      await host.admitAll();
      await until("both are in", () => other.phase === "in-meeting" && host.roster().length === 2);
      const took = performance.now() - began;
      await other.say("tea?");
      const codes = [await host.code(), await other.code()];
      const leaf = host.roster().find((p) => p.me).leaf;
      const frames = await host.stats();
      await other.leave();
      await until("Bob is gone", () => host.roster().length === 1);
      return { link, codes, leaf, took, frames };
    }, bridge);
    assert.match(first.codes[0], /^\w{3}( \w{3}){4}$/);
    assert.equal(first.codes[0], first.codes[1]);
    console.log(`  ${bridge}: from knock to both in the meeting ${Math.round(first.took)} ms`);

    await page.reload();
    await page.waitForFunction("window.ready");
    const second = await page.evaluate(
      async ({ bridge, link }) => {
        const core = await conclave.loadCore({ bridge });
        const credential = await conclave.keptCredential("host");
        const host = await core.open({ link, name: "Ada", credential, connect });
        await until("back in", () => host.phase === "in-meeting");
        const leaf = host.roster().find((p) => p.me).leaf;
        const { resumed } = host;
        await host.endForAll();
        await until("it is over", () => host.phase === "over");
        const end = host.end.name;
        const anew = await core.open({ link, name: "Ada", credential, connect });
        await until("a new one has begun", () => anew.phase === "in-meeting");
        await anew.endForAll();
        return { leaf, resumed, end, again: anew.resumed };
      },
      { bridge, link: first.link },
    );
    assert.deepEqual(second, { leaf: first.leaf, resumed: true, end: "ENDED", again: false });
    await context.close();
  });

for (const [what, crypto] of [
  ["does not exist", "/nothing.js"],
  ["says nothing", "data:text/javascript,"],
])
  test(`a worker to encrypt that ${what} is told, and not waited for`, { skip }, async () => {
    const context = await browser.newContext();
    const page = await openPage(context);
    const told = await page.evaluate(async (crypto) => {
      const core = await conclave.loadCore({ bridge: "shared", workers: { crypto } });
      const account = core.account(location.origin);
      const asked = account.certify(await account.guest());
      return asked.then(() => "nothing", (error) => `${error.code}: ${error.message}`);
    }, crypto);
    assert.match(told, /^EINTERNAL: .*(could not be started|does not answer)/);
    await context.close();
  });

test("another tab does not take the same place", { skip }, async () => {
  const context = await browser.newContext();
  const [first, second] = [await openPage(context), await openPage(context)];
  const link = await first.evaluate(async () => {
    const core = await conclave.loadCore();
    const account = core.account(location.origin);
    const session = await account.signUp("tabs@conclave.test", "a password of good length");
    const credential = await account.certify(session);
    await conclave.keepCredential("host", credential);
    const link = await account.create(session, credential, { title: "Tabs" });
    window.meeting = await core.open({ link, credential, connect });
    await until("in", () => window.meeting.phase === "in-meeting");
    return link;
  });
  const open = (link) => {
    const opened = conclave.loadCore().then(async (core) => {
      const credential = await conclave.keptCredential("host");
      return core.open({ link, credential, connect });
    });
    return opened.then(
      (meeting) => (meeting.resumed ? "resumed" : "new"),
      (error) => error.code,
    );
  };
  assert.equal(await second.evaluate(open, link), "ANOTHER_TAB");
  await first.evaluate(() => window.meeting.close());
  assert.equal(await second.evaluate(open, link), "resumed");
  await context.close();
});

test("every verdict of the table of certificates is the native one", { skip: skip || noCases }, async () => {
  const rows = readCases();
  const page = await openPage(await browser.newContext());
  const verdicts = await page.evaluate(async (requests) => {
    const core = await conclave.loadCore();
    const verdicts = [];
    for (const one of requests) {
      const data = Uint8Array.from(atob(one), (c) => c.charCodeAt(0));
      const answer = await core.client.tool("identity_judge", data);
      verdicts.push(btoa(String.fromCharCode(...answer)));
    }
    return verdicts;
  }, rows.map((row) => row.request));
  rows.forEach((row, i) => assert.deepEqual(row.read(verdicts[i]), row.want, row.name));
});

test("pictures and sound go sealed from one to the other", { skip }, async () => {
  const page = await openPage(await browser.newContext());
  const result = await page.evaluate(async () => {
    const core = await conclave.loadCore();
    const account = core.account(location.origin);
    const session = await account.signUp("eve@conclave.test", "a password of good length");
    const credential = await account.certify(session);
    const link = await account.create(session, credential, { title: "Pictures" });
    const host = await core.open({ link, credential, connect, store: null });
    const other = await core.open({
      link,
      credential: await account.certify(await account.guest()),
      connect,
      store: null,
    });
    await until("the guest waits", () => host.lobby().length === 1);
    await host.admitAll();
    await until("both are in", () => other.phase === "in-meeting" && host.roster().length === 2);
    const sending = await host.frames();
    const receiving = await other.frames();
    const shown = [];
    receiving.on((event) => shown.push(event));

    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 180];
    const paint = canvas.getContext("2d");
    let n = 0;
    const painting = setInterval(() => {
      paint.fillStyle = "rgb(0, 180, 0)";
      paint.fillRect(0, 0, 320, 180);
      paint.fillStyle = "black";
      paint.fillRect(n++ % 300, 0, 20, 20);
    }, 33);
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const out = audio.createMediaStreamDestination();
    tone.connect(out);
    tone.start();

    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
    a.onicecandidate = (e) => b.addIceCandidate(e.candidate);
    b.onicecandidate = (e) => a.addIceCandidate(e.candidate);
    const video = document.createElement("video");
    video.muted = true;
    b.ontrack = (e) => {
      receiving.open(e.receiver, e.track.kind, e.track.kind);
      const player = e.track.kind === "video" ? video : new Audio();
      player.srcObject = new MediaStream([e.track]);
      void player.play();
    };
    const camera = a.addTrack(canvas.captureStream(30).getVideoTracks()[0]);
    const voice = a.addTrack(out.stream.getAudioTracks()[0]);
    sending.seal(camera, "camera");
    sending.seal(voice, "audio");
    const vp8 = RTCRtpSender.getCapabilities("video").codecs.filter((c) => c.mimeType === "video/VP8");
    a.getTransceivers()[0].setCodecPreferences(vp8);
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);

    const colour = () => {
      const look = document.createElement("canvas").getContext("2d");
      look.drawImage(video, 0, 0, 32, 18);
      return [...look.getImageData(16, 12, 1, 1).data];
    };
    await until("a green picture", () => {
      const [red, green, blue] = colour();
      return green > 120 && red < 80 && blue < 80;
    });
    const heard = async () =>
      [...(await b.getStats()).values()].find((s) => s.type === "inbound-rtp" && s.kind === "audio");
    await until("a tone", async () => ((await heard())?.totalAudioEnergy ?? 0) > 0);

    // A change of epoch: all frames go on.
    const third = await core.open({
      link,
      credential: await account.certify(await account.guest()),
      connect,
      store: null,
    });
    await until("a third waits", () => host.lobby().length === 1);
    await host.admitAll();
    await until("three", () => third.phase === "in-meeting" && other.roster().length === 3);
    const before = (await receiving.stats()).opened;
    await new Promise((resolve) => setTimeout(resolve, 700));
    await until("frames of the new epoch", async () => (await receiving.stats()).opened > before + 30);
    const stats = [await sending.stats(), await receiving.stats()];

    // Who is removed opens nothing more.
    await host.eject(other.roster().find((p) => p.me).leaf);
    await until("removed", () => other.phase === "over");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const last = (await receiving.stats()).opened;
    await new Promise((resolve) => setTimeout(resolve, 500));
    const after = await receiving.stats();
    clearInterval(painting);
    const leaf = host.roster().find((p) => p.me).leaf;
    return { shown, stats, leaf, last, after };
  });
  const { shown, stats, leaf } = result;
  assert.deepEqual(
    shown.map((e) => [e.id, e.leaf, e.source]).sort(),
    [
      ["audio", leaf, "audio"],
      ["video", leaf, "camera"],
    ],
  );
  assert.deepEqual(stats[1].refused, {});
  assert.equal(result.after.opened, result.last);
  assert.ok(result.after.refused.EUNKNOWNKEY > 0);
  console.log(`  a frame: sealed ${stats[0].microseconds | 0} us, opened ${stats[1].microseconds | 0} us`);
});
