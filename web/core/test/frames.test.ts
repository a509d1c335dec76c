/* Frames sealed and opened without a transport (docs/MEDIA.md). */
import assert from "node:assert/strict";
import { createCipheriv, createHmac } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Writer } from "../src/wire.js";
import { baseKey, begin, DELTA_FRAME, epochOf, KEY_FRAME, member, SOUND } from "./frames.js";

test("what one member seals another opens as that member's, of that source", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  for (const [source, frame, clear] of [
    ["camera", KEY_FRAME, 10],
    ["camera", DELTA_FRAME, 3],
    ["screen", KEY_FRAME, 10],
    ["audio", SOUND, 0],
  ] as const) {
    const sealed = (await ada.seal(source, 0, frame))!;
    assert.deepEqual(sealed.slice(0, clear), frame.slice(0, clear));
    assert.equal(Buffer.from(sealed).indexOf(frame.slice(clear, clear + 16)), -1);
    const opened = (await bob.open(source === "audio" ? "audio" : "video", sealed))!;
    assert.deepEqual(opened.frame, Uint8Array.from(frame));
    assert.deepEqual([opened.leaf, opened.source], [1, source]);
  }
  assert.deepEqual(bob.stats().refused, {});
});

test("the bytes on the way are those of RFC 9605 4.4", async () => {
  const ada = await member(1, 5);
  const sealed = Buffer.from((await ada.seal("camera", 0, KEY_FRAME))!);
  /* KID: context 1, two bits of leaf 1, eight bits of epoch 5; counter 0 */
  const kid = (1 << 10) | (1 << 8) | 5;
  const header = Buffer.from([0x80 | (1 << 4), kid >> 8, kid & 0xff]);
  assert.deepEqual(sealed.subarray(10, 13), header);

  const hmac = (key: Uint8Array, data: Buffer) => createHmac("sha512", key).update(data).digest();
  const secret = hmac(Buffer.alloc(0), Buffer.from(baseKey(5)));
  const expand = (label: string, n: number) => {
    const about = Buffer.alloc(11);
    about.writeBigUInt64BE(BigInt(kid));
    about.writeUInt16BE(5, 8);
    about[10] = 1; // the only block
    return hmac(secret, Buffer.concat([Buffer.from(label), about])).subarray(0, n);
  };
  const key = expand("SFrame 1.0 Secret key ", 32);
  const nonce = expand("SFrame 1.0 Secret salt ", 12); // the counter is 0
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.concat([header, KEY_FRAME.subarray(0, 10)]));
  const text = Buffer.concat([cipher.update(KEY_FRAME.subarray(10)), cipher.final()]);
  assert.deepEqual(sealed.subarray(13), Buffer.concat([text, cipher.getAuthTag()]));
});

test("what was changed, came before, or is one's own is refused", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const sealed = (await ada.seal("camera", 0, DELTA_FRAME))!;
  for (const at of [1, 2, 20, sealed.length - 1]) {
    const changed = sealed.slice();
    changed[at]! ^= 1;
    assert.equal(await bob.open("video", changed), null);
  }
  assert.equal(bob.stats().refused["EDECRYPT"], 4);
  assert.notEqual(await bob.open("video", sealed), null);
  assert.equal(await bob.open("video", sealed), null);
  assert.equal(bob.stats().refused["EREPLAY"], 1);
  assert.equal(await ada.open("video", sealed), null);
  assert.equal(ada.stats().refused["ESENDER"], 1);
  for (let n = 0; n < 10; n++) assert.equal(await bob.open("video", sealed.slice(0, n)), null);
});

test("sound does not pass for a picture, nor a plain frame for a sealed one", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const sealed = (await ada.seal("camera", 0, SOUND))!;
  assert.equal(await bob.open("audio", sealed.slice(10)), null);
  assert.equal(await bob.open("audio", SOUND), null);
  assert.equal(bob.stats().opened, 0);
});

test("a frame waits for its epoch, and for half a second at most", async () => {
  const [ada, bob] = [await member(1, 6), await member(2, 5)];
  const early = bob.open("video", (await ada.seal("camera", 0, DELTA_FRAME))!);
  begin(bob, epochOf(6, 2));
  assert.deepEqual((await early)?.frame, DELTA_FRAME);
  assert.equal(bob.stats().held, 1);
  const ahead = await member(1, 7);
  assert.equal(await bob.open("video", (await ahead.seal("camera", 0, DELTA_FRAME))!), null);
  assert.equal(bob.stats().refused["EUNKNOWNKEY"], 1);
});

test("so does the first member's sound, whose key IDs are the shortest", async () => {
  const [ada, bob] = [await member(0, 6), await member(2, 5)];
  const early = bob.open("audio", (await ada.seal("audio", 0, SOUND))!);
  begin(bob, epochOf(6, 2));
  assert.deepEqual((await early)?.frame, SOUND);
});

test("who was removed is not heard any more, and what follows is sealed anew at once", async () => {
  const [ada, bob, eve] = [await member(1, 5), await member(2, 5), await member(3, 5)];
  const last = (await eve.seal("camera", 0, DELTA_FRAME))!;
  begin(ada, epochOf(6, 1, [3]));
  begin(bob, epochOf(6, 2, [3]));
  assert.equal(await bob.open("video", last), null);
  assert.equal(bob.stats().refused["ESENDER"], 1);
  const sealed = (await ada.seal("camera", 0, DELTA_FRAME))!;
  assert.notEqual(await bob.open("video", sealed.slice()), null);
  assert.equal(await eve.open("video", sealed), null);
});

test("a meeting that begins anew has other keys, and those of before are gone", async () => {
  const [ada, bob] = [await member(1, 7), await member(2, 7)];
  const before = (await ada.seal("camera", 0, DELTA_FRAME))!;
  for (const fresh of [3, 7]) {
    const of = (leaf: number) => {
      const key = new Writer().u64(fresh).u32(4).u32(leaf).raw(baseKey(100 + fresh)).bytes();
      return { epoch: fresh, run: 0, key, removed: [] };
    };
    begin(ada, of(1));
    begin(bob, of(2));
    begin(bob, of(2)); // said twice it changes nothing
    const sealed = (await ada.seal("camera", 0, DELTA_FRAME))!;
    assert.deepEqual((await bob.open("video", sealed.slice()))?.frame, DELTA_FRAME);
    assert.equal(await bob.open("video", sealed), null);
  }
  assert.equal(bob.stats().refused["EREPLAY"], 2);
  assert.equal(await bob.open("video", before), null);
});

test("frames of an epoch that is over, or never comes, keep no others waiting", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const old = (await ada.seal("camera", 0, DELTA_FRAME))!;
  for (let epoch = 6; epoch < 26; epoch++) begin(bob, epochOf(epoch, 2, [3]));
  await sleep(1000); // by then the keys of epoch 5 are gone
  assert.equal(await bob.open("video", old), null);
  assert.equal(bob.stats().held, 0);
  begin(ada, epochOf(30, 1, [3]));
  for (let n = 0; n < 20; n++)
    assert.equal(await bob.open("video", (await ada.seal("camera", 0, DELTA_FRAME))!), null);
  assert.ok(bob.stats().held <= 1, "one waits, and those behind it not again");
  begin(bob, epochOf(30, 2));
  assert.notEqual(await bob.open("video", (await ada.seal("camera", 0, DELTA_FRAME))!), null);
});

test("a key opens at once, and seals once its contexts are on record", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  begin(ada, epochOf(6, 1, [3]));
  bob.epoch(epochOf(6, 2, [3]));
  const of = (await ada.seal("camera", 0, DELTA_FRAME))!;
  assert.deepEqual((await bob.open("video", of))?.frame, DELTA_FRAME);
  const waits = bob.seal("camera", 0, DELTA_FRAME);
  assert.equal(await Promise.race([waits, sleep(50, "waits")]), "waits");
  bob.run(epochOf(6, 2));
  assert.notEqual(await ada.open("video", (await waits)!), null);
  assert.deepEqual(bob.stats().refused, {});
});

test("each reload within an epoch has contexts of its own, until there are none", async () => {
  const seen = new Set<string>();
  for (let run = 0; run < 8; run++) {
    const ada = await member(1);
    begin(ada, epochOf(5, 1, [], run));
    const sealed = Buffer.from((await ada.seal("camera", 0, DELTA_FRAME))!);
    seen.add(sealed.subarray(3, 7).toString("hex"));
  }
  assert.equal(seen.size, 8);
  const ada = await member(1);
  begin(ada, epochOf(5, 1, [], 8));
  assert.equal(await ada.seal("camera", 0, DELTA_FRAME), null);
  assert.equal(ada.stats().refused["EEXHAUSTED"], 1);
  begin(ada, epochOf(6, 1, [2]));
  assert.notEqual(await ada.seal("camera", 0, DELTA_FRAME), null);
});
