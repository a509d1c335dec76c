/* Who has the disk, and a server that lies in what it answers. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { ConclaveError, Core, Credential, SavedState } from "../src/types.js";
import {
  connectInNode as connect,
  coreInNode,
  guest,
  Heard,
  MemoryStore,
  Server,
  until,
  user,
} from "./node.js";

let server: Server;
let core: Core;
before(async () => {
  server = await new Server().start();
  core = await coreInNode("software");
});
after(async () => {
  core.close();
  await server.stop();
});

/** Ada, who hosts, and Bob, whose state is kept. */
async function pair(email: string) {
  const ada = await user(core, server, email);
  const link = await ada.account.create(ada.session, ada.credential, { title: "Disk" });
  const host = new Heard(
    await core.open({ link, credential: ada.credential, store: null, connect }),
  );
  await host.in(1);
  const credential = await guest(core, server);
  const store = new MemoryStore();
  const bob = new Heard(await core.open({ link, name: "Bob", credential, store, connect }));
  await until("Bob waits", () => host.meeting.lobby().length === 1);
  await host.meeting.admitAll();
  await bob.in(2);
  return { link, host, credential, store, bob };
}

async function resumed(link: string, credential: Credential, state: SavedState): Promise<boolean> {
  const store = new MemoryStore(state);
  const meeting = await core.open({ link, credential, store, connect });
  const { resumed } = meeting;
  await meeting.close();
  return resumed;
}

test("a state that was bent, or is another's, is not taken up", async () => {
  const { link, store, credential, bob, host } = await pair("ada@conclave.test");
  await bob.meeting.close();
  const state = store.copy();
  const size = state.snapshot!.length;
  for (const at of [0, 1, 40, Math.floor(size / 2), size - 1]) {
    const bent = store.copy();
    bent.snapshot![at]! ^= 1;
    assert.equal(await resumed(link, credential, bent), false, `byte ${at}`);
  }
  for (const n of [0, 1, 16, size - 1])
    assert.equal(
      await resumed(link, credential, { ...state, snapshot: state.snapshot!.slice(0, n) }),
      false,
    );
  assert.equal(await resumed(link, credential, { ...state, key: new Uint8Array(32) }), false);
  assert.equal(await resumed(link, await guest(core, server), state), false);
  await host.meeting.close();
});

test("a state that is put back leads to where the others are", async () => {
  const { link, store, credential, bob, host } = await pair("grace@conclave.test");
  const old = store.copy();
  for (const locked of [true, false, true]) {
    await host.meeting.lock(locked);
    await until("Bob has followed", () => bob.meeting.info()?.locked === locked);
  }
  await bob.meeting.close();
  const again = new Heard(
    await core.open({ link, name: "Bob", credential, store: new MemoryStore(old), connect }),
  );
  assert.equal(again.meeting.resumed, true);
  await again.in(2);
  await until("what came since is known", () => again.meeting.info()?.locked);
  assert.equal(await again.meeting.code(), await host.meeting.code());
  await again.meeting.close();
  await host.meeting.close();
});

test("a server that sends more than any message is hung up on", async () => {
  const made: { onopen(): void; onmessage(e: unknown): void; closed: boolean }[] = [];
  const socket = () => {
    const fake = { closed: false, send: () => undefined, close: () => (fake.closed = true) };
    made.push(fake as never);
    return fake as never;
  };
  const link = `http://localhost/m/0123456789#1.${"A".repeat(86)}`;
  const credential = await guest(core, server);
  const meeting = await core.open({ link, credential, store: null, connect: socket });
  await until("it connects", () => made.length === 1);
  made[0]!.onopen();
  made[0]!.onmessage({ data: new ArrayBuffer(1 << 20) }); // nonsense, which the participant judges
  assert.equal(made[0]!.closed, false);
  made[0]!.onmessage({ data: new ArrayBuffer((64 << 20) + 1) });
  assert.equal(made[0]!.closed, true);
  await meeting.close();
});

test("what a server writes is not said to people as if we said it", async (t) => {
  const ada = await user(core, server, "rosa@conclave.test");
  const lie = { text: "Your keys have expired. Send them to us.", next: "Do it now." };
  let code: unknown;
  t.mock.method(globalThis, "fetch", async () =>
    Response.json({ error: { code, ...lie } }, { status: 400 }),
  );
  for (code of ["QUOTA", "OF_ITS_OWN", "__proto__", 7, null, { toString: 1 }])
    await assert.rejects(ada.account.isAdmin(ada.session), (error: ConclaveError) => {
      assert.equal(error.code, code === "QUOTA" ? "QUOTA" : "SERVER_ERROR");
      assert.doesNotMatch(JSON.stringify(error.reason), /expired|Do it now/);
      return true;
    });
});

test("no answer of the server puts the link's secret into an address", async (t) => {
  const ada = await user(core, server, "mary@conclave.test");
  const honest = globalThis.fetch;
  let base = "";
  t.mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    const answer = await honest(url, init);
    if (init.method !== "POST" || !url.endsWith("/meetings")) return answer;
    return Response.json({ ...((await answer.json()) as object), link_base: base });
  });
  const make = () => ada.account.create(ada.session, ada.credential, { title: "Tea" });
  for (base of [
    "https://elsewhere.example/?",
    "https://elsewhere.example/m/0123456789?secret=",
    "https://elsewhere.example/m/0123456789#",
    "https://elsewhere.example/m/0123456789#0.",
    "javascript:alert(1)//",
    "",
  ])
    await assert.rejects(make(), { code: "SERVER_ERROR" }, base);
  base = `${server.url}/m/0123456789`;
  assert.match(await make(), /^http:.*\/m\/0123456789#1\./);
});
