import assert from "node:assert/strict";
import { test } from "node:test";
import type { LineEvent } from "../../src/engine/engine";
import { Slots } from "../../src/engine/slots";

const track = (id: string) => ({ id }) as MediaStreamTrack;
const shows = (id: string, leaf: number, source: "audio" | "camera" = "camera") =>
  ({ type: "shows", id, leaf, source }) as const;

/** Slots of somebody on leaf 0, and what is seen and heard now, by leaf and source. */
function stage(...here: number[]) {
  const present = new Set([0, ...here]);
  const seen = new Map<string, string>();
  let speakers: readonly number[] = [];
  const slots = new Slots({
    emit(event: LineEvent) {
      if (event.type === "speakers") speakers = event.leaves;
      if (event.type !== "track") return;
      if (event.track === null) seen.delete(`${event.leaf}/${event.source}`);
      else seen.set(`${event.leaf}/${event.source}`, event.track.id);
    },
    isHere: (leaf) => present.has(leaf),
    isMe: (leaf) => leaf === 0,
  });
  return { slots, present, seen: () => Object.fromEntries(seen), speakers: () => speakers };
}

test("a slot shows whom its frames name, one after another", () => {
  const { slots, seen } = stage(1, 2);
  slots.show(shows("a", 1));
  assert.deepEqual(seen(), {});
  slots.fill("a", track("A"));
  assert.deepEqual(seen(), { "1/camera": "A" });
  slots.show(shows("a", 2));
  assert.deepEqual(seen(), { "2/camera": "A" });
});

test("who has moved to another slot stays when the first shows somebody else", () => {
  const { slots, seen } = stage(1, 2);
  slots.fill("a", track("A"));
  slots.fill("b", track("B"));
  slots.show(shows("a", 1));
  slots.show(shows("b", 1));
  slots.show(shows("a", 2));
  assert.deepEqual(seen(), { "1/camera": "B", "2/camera": "A" });
});

test("the next on a leaf is not shown by what the one before sent", () => {
  const { slots, present, seen } = stage(1);
  slots.fill("a", track("A"));
  slots.show(shows("a", 1));
  present.delete(1);
  slots.forget(1);
  slots.show(shows("a", 1)); /* opened a moment before */
  present.add(1);
  slots.fill("a", track("A"));
  assert.deepEqual(seen(), {});
  slots.show(shows("a", 1));
  assert.deepEqual(seen(), { "1/camera": "A" });
});

test("nobody is called a speaker by the switch whose sound is not here", () => {
  const { slots, speakers } = stage(1, 2);
  slots.hearSpeakers([2, 1, 0]);
  assert.deepEqual(speakers(), [0]);
  slots.show(shows("a", 1, "audio"));
  assert.deepEqual(speakers(), [1, 0]);
  slots.forget(1);
  assert.deepEqual(speakers(), [0]);
});
