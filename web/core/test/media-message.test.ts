/* Messages of the media switch, byte by byte (docs/PROTOCOL.md section 9). */
import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeMedia, encodeMedia } from "../src/media-message.js";
import { hex, unhex } from "../src/wire.js";

const FINGERPRINT = "ab".repeat(32);

test("what a member says has the bytes of the protocol", () => {
  const fingerprint = unhex(FINGERPRINT);
  const open = encodeMedia({
    kind: "open",
    transport: 1,
    ufrag: "",
    pwd: "",
    fingerprint,
    sends: false,
    receives: true,
    audio: 111,
    video: 96,
    rtx: 97,
    extensions: [{ id: 4, which: 3 }],
  });
  assert.equal(hex(open), `01010000${FINGERPRINT}026f6061020403`);
  const publish = encodeMedia({
    kind: "publish",
    transport: 0,
    track: 2,
    source: "screen",
    format: "vp8",
    payloadType: 96,
    rtx: 97,
    mid: "1",
    layers: [{ ssrc: 0xfffffffe, rtx: 0, height: 720, rid: "a" }],
  });
  assert.equal(hex(publish), "020002030260610131" + "0c" + "fffffffe" + "00000000" + "02d0" + "0161");
  assert.equal(hex(encodeMedia({ kind: "unpublish", track: 2 })), "0302");
  const wants = [{ leaf: 70000, source: "camera", height: 180 }] as const;
  assert.equal(
    hex(encodeMedia({ kind: "subscribe", transport: 1, wants })),
    "040107" + "00011170" + "02" + "00b4",
  );
  assert.equal(hex(encodeMedia({ kind: "close", transport: 0 })), "0500");
});

const ANSWER =
  "40" + "00" + "0166" + "03707764" + // kind, transport, "f", "pwd"
  FINGERPRINT +
  "07" + "047f000001" + "1f90" +
  "08" + "00000001" + "00000000" +
  "08" + "ffffffff" + "00000002";

const SPEAKERS = "4208" + "00000001" + "ffffffff";
const FLOWS = "410f" + "00000001" + "02" + "01" + "02" + "00000005" + "00000006";

test("what the switch says is read whole, or not at all", () => {
  assert.deepEqual(decodeMedia(unhex(ANSWER)), {
    kind: "answer",
    transport: 0,
    ufrag: "f",
    pwd: "pwd",
    fingerprint: unhex(FINGERPRINT),
    candidates: [{ address: "127.0.0.1", port: 8080 }],
    audio: [{ ssrc: 1, rtx: 0 }],
    video: [{ ssrc: 0xffffffff, rtx: 2 }],
  });
  for (const whole of [ANSWER, SPEAKERS, "430103", "440001", FLOWS].map(unhex)) {
    for (let n = 0; n < whole.length; n++)
      assert.throws(() => decodeMedia(whole.slice(0, n)), { code: "ESYNTAX" });
    assert.throws(() => decodeMedia(Uint8Array.of(...whole, 0)), { code: "ESYNTAX" });
  }
  assert.deepEqual(decodeMedia(unhex(SPEAKERS)), {
    kind: "speakers",
    leaves: [1, 0xffffffff],
  });
  assert.deepEqual(decodeMedia(unhex("430103")), { kind: "demand", track: 1, layers: 3 });
  assert.deepEqual(decodeMedia(unhex("440001")), {
    kind: "state",
    transport: 0,
    state: "connected",
  });
  assert.deepEqual(decodeMedia(unhex(FLOWS)), {
    kind: "flows",
    flows: [{ leaf: 1, source: "camera", gone: true, state: "running", ssrc: 5, rtx: 6 }],
  });
});

test("a length in a longer form than it needs, and values nobody knows, are refused", () => {
  for (const wrong of ["42400400000001", "440004", "410f0000000109010200000005000000ff"])
    assert.throws(() => decodeMedia(unhex(wrong)), { code: "ESYNTAX" });
  assert.equal(decodeMedia(unhex("7f")), null);
});
