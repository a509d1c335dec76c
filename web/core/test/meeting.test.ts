/* Participants in WebAssembly, a native one, and the native server. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Bridge, Core } from "../src/types.js";
import {
  connectInNode as connect,
  coreInNode,
  engineInNode,
  guest,
  Heard,
  MemoryStore,
  Native,
  PASSWORD,
  Server,
  until,
  user,
} from "./node.js";

let server: Server;
const cores: Core[] = [];

async function coreOf(bridge: Bridge): Promise<Core> {
  const core = await coreInNode(bridge);
  cores.push(core);
  return core;
}

before(async () => {
  server = await new Server().start();
});

after(async () => {
  for (const core of cores) core.close();
  await server.stop();
});

for (const bridge of ["shared", "software"] as const) {
  test(`a host and a guest meet over the ${bridge} bridge`, async () => {
    const core = await coreOf(bridge);
    const ada = await user(core, server, `ada-${bridge}@conclave.test`);
    const link = await ada.account.create(ada.session, ada.credential, { title: "Tea" });
    const host = new Heard(
      await core.open({ link, name: "Ada", credential: ada.credential, store: null, connect }),
    );
    await host.in(1);
    const bob = await guest(core, server);
    const other = new Heard(
      await core.open({ link, name: "Bob", credential: bob, store: null, connect }),
    );
    await until("Bob waits in the lobby", () => host.meeting.lobby().length === 1);
    assert.equal(host.meeting.lobby()[0]!.name, "Bob");
    assert.equal(other.meeting.phase, "in-lobby");

    await host.meeting.admit(host.meeting.lobby()[0]!.ref);
    await host.in(2);
    await other.in(2);
    assert.equal(await host.meeting.code(), await other.meeting.code());
    const [first, second] = other.meeting.roster();
    assert.equal(first!.role, "organiser");
    assert.equal(first!.identity.label, "conclave.test");
    assert.equal(second!.identity.category, "unverified");
    assert.match(await other.meeting.describe(first!.leaf), /conclave/);

    const id = await host.meeting.say("Is there tea? 🍵");
    await until("the chat came", () => other.all("chat").length === 1);
    assert.equal(other.all("chat")[0]!.text, "Is there tea? 🍵");
    await until("it came back", () => host.all("chat-sent").some((e) => e.id === id));

    await other.meeting.raiseHand(true);
    await until("the hand is seen", () => host.meeting.roster()[1]?.hand);
    await assert.rejects(other.meeting.lock(true), { code: "EPOLICY" });

    await other.meeting.setSends({ audio: true, camera: false, screen: true });
    await until("what is sent is seen", () => host.meeting.roster()[1]?.sends?.audio);
    assert.equal(host.meeting.roster()[1]!.sends!.screen, true);
    await assert.rejects(other.meeting.askMute(null), { code: "EPOLICY" });
    await host.meeting.askMute(second!.leaf);
    await until("it is asked to send no sound", () => other.all("mute").length === 1);
    assert.equal(other.all("mute")[0]!.by, first!.leaf);

    await host.meeting.lock(true);
    await until("it is locked", () => other.meeting.info()?.locked);

    await host.meeting.eject(second!.leaf);
    await until("Bob is out", () => other.meeting.phase === "over");
    assert.equal(other.meeting.end?.name, "EJECTED");
    await host.meeting.endForAll();
    await until("it has ended", () => host.meeting.phase === "over");
  });
}

test("a native participant and one in WebAssembly read the same code", async () => {
  const core = await coreOf("shared");
  const ada = await user(core, server, "grace@conclave.test");
  const link = await ada.account.create(ada.session, ada.credential, { title: "Mixed" });
  const password = server.file("password", PASSWORD);
  const native = new Native(link, "--name", "Grace", "--sign-in", "grace@conclave.test",
    "--password-file", password);
  await until("the native host is in", () => native.last("code"));
  const credential = await guest(core, server);
  const web = new Heard(await core.open({ link, name: "Web", credential, store: null, connect }));
  await until("the guest waits", () => (native.last("lobby")?.["waiting"] as [] | undefined)?.length);
  await native.ask("admit-all");
  await web.in(2);
  assert.equal((await native.ask("code"))["code"], await web.meeting.code());
  native.send({ do: "say", text: "hello from C" });
  await until("the chat came", () => web.all("chat").some((e) => e.text === "hello from C"));
  await web.meeting.say("hello from WebAssembly");
  await until("and back", () => native.last("chat")?.["text"] === "hello from WebAssembly");
  await web.meeting.leave();
  await until("it has left", () => web.meeting.phase === "over");
  await native.stop();
});

test("a reload resumes the leaf with the same code", async () => {
  const core = await coreOf("shared");
  const ada = await user(core, server, "mary@conclave.test");
  const link = await ada.account.create(ada.session, ada.credential, { title: "Reload" });
  const host = new Heard(
    await core.open({ link, credential: ada.credential, store: null, connect }),
  );
  await host.in(1);
  const store = new MemoryStore();
  const credential = await guest(core, server);
  const before = new Heard(await core.open({ link, name: "Bob", credential, store, connect }));
  assert.equal(before.meeting.resumed, false);
  await until("Bob waits", () => host.meeting.lobby().length === 1);
  await host.meeting.admitAll();
  await before.in(2);
  const leaf = before.meeting.roster().find((p) => p.me)!.leaf;
  await before.meeting.close();

  const again = new Heard(await core.open({ link, name: "Bob", credential, store, connect }));
  assert.equal(again.meeting.resumed, true);
  await again.in(2);
  assert.equal(again.meeting.roster().find((p) => p.me)!.leaf, leaf);
  assert.equal(await again.meeting.code(), await host.meeting.code());
  await again.meeting.say("back again");
  await until("it is heard", () => host.all("chat").some((e) => e.text === "back again"));
  await again.meeting.leave();
  await until("it is over", () => again.meeting.phase === "over");
  await until("and nothing is kept", () => !store.kept);
});

test("a link that is none, and a server that is not there, are told as such", async () => {
  const core = await coreOf("software");
  await assert.rejects(core.link("https://example.org/nothing"), { code: "EINVAL" });
  const nobody = core.account("http://localhost:1");
  await assert.rejects(nobody.guest(), { code: "UNREACHABLE" });
  assert.match((await core.reason("EJECTED")).text, /\w/);
});

test("where the worker that encrypts has died the meeting ends with a reason, and nobody waits", async () => {
  const patience = { times: 10, ms: 1000 };
  const { core, workers } = await engineInNode("shared", patience);
  cores.push(core);
  const eve = await user(core, server, "eve@conclave.test");
  const link = await eve.account.create(eve.session, eve.credential, { title: "Alone" });
  const host = new Heard(
    await core.open({ link, name: "Eve", credential: eve.credential, store: null, connect }),
  );
  await host.in(1);

  await workers[0]!.terminate();
  patience.ms = 50;
  await assert.rejects(host.meeting.say("Is anybody there?"), /does not answer/);
  await until("the meeting is over", () => host.meeting.phase === "over");
  assert.equal(host.meeting.end!.name, "BROKEN");
  assert.match(host.meeting.end!.text, /worker that encrypts does not answer/);
  await assert.rejects(host.meeting.say("And now?"), /does not answer/);
  await assert.rejects(eve.account.certify(eve.session), /does not answer/);
});
