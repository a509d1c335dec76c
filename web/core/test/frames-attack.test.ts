/* What a switch that lies can do with frames that members have sealed (docs/THREAT-MODEL.md, whose
 * numbers these are): nothing of it is shown. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameStream } from "../src/frame-stream.js";
import { begin, DELTA_FRAME, epochOf, KEY_FRAME, member, SOUND } from "./frames.js";

/** A receiver of bob's: what it gives, or null. */
function receiver(of: Awaited<ReturnType<typeof member>>, kind: "audio" | "video" = "video") {
  const stream = new FrameStream(kind);
  return {
    stream,
    async get(sealed: Uint8Array) {
      const opened = await of.open(kind, sealed.slice());
      if (opened === null || !stream.follows(opened, opened.frame)) return null;
      return { leaf: opened.leaf, source: opened.source, isNew: stream.take(opened) };
    },
  };
}

test("35: a picture is its sealer's, in whatever slot it comes", async () => {
  const [ada, cy, bob] = [await member(1, 5), await member(3, 5), await member(2, 5)];
  const slot = receiver(bob);
  const shown = async (from: typeof ada, frame: Uint8Array) =>
    slot.get((await from.seal("camera", 0, frame))!);
  assert.deepEqual(await shown(ada, KEY_FRAME), { leaf: 1, source: "camera", isNew: true });
  assert.deepEqual(await shown(ada, DELTA_FRAME), { leaf: 1, source: "camera", isNew: false });
  /* what changes is drawn over what was there: never over somebody else's picture */
  assert.equal(await shown(cy, DELTA_FRAME), null);
  assert.deepEqual(await shown(cy, KEY_FRAME), { leaf: 3, source: "camera", isNew: true });
  assert.equal(await shown(ada, DELTA_FRAME), null);
});

test("35: the screen of a member is not shown as the camera, nor sound as either", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const slot = receiver(bob);
  assert.equal((await slot.get((await ada.seal("screen", 0, KEY_FRAME))!))?.source, "screen");
  assert.equal(await slot.get((await ada.seal("camera", 0, DELTA_FRAME))!), null);
  assert.equal(await slot.get((await ada.seal("audio", 0, SOUND))!), null);
});

test("36: a frame opens once, also in two slots at the same time", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const sealed = (await ada.seal("camera", 0, KEY_FRAME))!;
  const opened = await Promise.all([1, 2, 3].map(() => bob.open("video", sealed.slice())));
  assert.equal(opened.filter((frame) => frame !== null).length, 1);
  assert.equal(await bob.open("video", sealed), null);
  assert.equal(bob.stats().refused["EREPLAY"], 3);
});

test("40, 41, 44: what is no sealed frame, and any part of one, opens nothing", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const sealed = (await ada.seal("camera", 0, KEY_FRAME))!;
  const parts = Array.from({ length: sealed.length }, (_, n) => sealed.slice(0, n));
  const plain = [KEY_FRAME, DELTA_FRAME, SOUND, new Uint8Array(1 << 20), new Uint8Array(0)];
  const headers = Array.from({ length: 256 }, (_, first) => {
    const changed = sealed.slice();
    changed[10] = first; // behind what is in clear
    return changed;
  }).filter((_, first) => first !== sealed[10]);
  /* all at once: those of keys that nobody has wait for them */
  const opened = [...parts, ...plain, ...headers].flatMap((frame) => [
    bob.open("video", frame),
    bob.open("audio", frame),
  ]);
  for (const one of await Promise.all(opened)) assert.equal(one, null);
  assert.equal(bob.stats().opened, 0);
  assert.notEqual(await bob.open("video", sealed), null);
});

test("43: no clear byte can be changed", async () => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const sealed = (await ada.seal("camera", 0, KEY_FRAME))!;
  for (let at = 0; at < 10; at++) {
    const changed = sealed.slice();
    changed[at]! ^= 0x80;
    assert.equal(await bob.open("video", changed), null);
  }
});

test("46: a frame that is being opened when its sender is removed is not shown", async () => {
  const [eve, bob] = [await member(3, 5), await member(2, 5)];
  const opening = bob.open("video", (await eve.seal("camera", 0, KEY_FRAME))!);
  begin(bob, epochOf(6, 2, [3]));
  assert.equal(await opening, null);
});

test("12: what was sealed before the meeting began anew is of nobody in the new one", async () => {
  const [eve, bob] = [await member(3, 5), await member(2, 5)];
  const opening = bob.open("video", (await eve.seal("camera", 0, KEY_FRAME))!);
  const other = (leaf: number) => ({ ...epochOf(5, leaf), key: epochOf(5, leaf).key.fill(9, 16) });
  begin(bob, other(2)); // the same epoch of another group
  assert.equal(await opening, null);
  const ada = await member(1);
  begin(ada, other(1));
  assert.notEqual(await bob.open("video", (await ada.seal("camera", 0, KEY_FRAME))!), null);
  assert.equal(await eve.open("video", (await bob.seal("camera", 0, KEY_FRAME))!), null);
});

test("46: who comes to the leaf of the removed is somebody else", async () => {
  const [eve, bob] = [await member(3, 5), await member(2, 5)];
  const slot = receiver(bob);
  assert.equal((await slot.get((await eve.seal("camera", 0, KEY_FRAME))!))?.isNew, true);
  begin(bob, epochOf(6, 2, [3]));
  slot.stream.forget([3]);
  begin(bob, epochOf(7, 2));
  const cy = await member(3, 7);
  assert.equal(await slot.get((await cy.seal("camera", 0, DELTA_FRAME))!), null);
  assert.deepEqual(await slot.get((await cy.seal("camera", 0, KEY_FRAME))!), {
    leaf: 3,
    source: "camera",
    isNew: true,
  });
});

test("47: what was lost may come a little later, what was kept back may not", async (t) => {
  const [ada, bob] = [await member(1, 5), await member(2, 5)];
  const [first, second, third] = [
    (await ada.seal("camera", 0, KEY_FRAME))!,
    (await ada.seal("camera", 0, DELTA_FRAME))!,
    (await ada.seal("camera", 0, DELTA_FRAME))!,
  ];
  let now = performance.now();
  t.mock.method(performance, "now", () => now);
  assert.notEqual(await bob.open("video", third), null);
  now += 900;
  assert.notEqual(await bob.open("video", first), null);
  now += 200;
  assert.equal(await bob.open("video", second), null);
  assert.equal(bob.stats().refused["ELATE"], 1);
});
