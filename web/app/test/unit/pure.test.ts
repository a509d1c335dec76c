import assert from "node:assert/strict";
import { test } from "node:test";
import { missingFeatures, missingForMedia } from "../../src/state/features";
import { calendarFile, invitationText } from "../../src/state/invitation";
import { matches } from "../../src/state/search";
import { spell } from "../../src/state/spell";
import { capacity, LIMIT_TILES, tile } from "../../src/state/tiling";
import { guest, person, verified } from "../scripted/meeting";

test("a code is spelled with a word for each of its symbols", () => {
  assert.deepEqual(spell("KKH 7CV"), [
    ["Kilo", "Kilo", "Hotel"],
    ["seven", "Charlie", "Victor"],
  ]);
});

test("every symbol of base32 has a word of its own", () => {
  const words = spell("ABC DEF GHI JKL MNO PQR STU VWX YZ2 345 67").flat();
  assert.equal(new Set(words).size, 32);
  for (const word of words) assert.ok(word.length > 1, word);
});

test("tiles never leave the stage and never overlap", () => {
  for (let n = 1; n <= LIMIT_TILES; n++)
    for (const [w, h] of [
      [360, 560],
      [900, 620],
      [1280, 660],
      [3840, 2000],
      [700, 240],
    ] as const) {
      const t = tile(n, w, h, 10);
      assert.ok(t.columns * t.rows >= n);
      assert.ok(t.columns * t.width + (t.columns - 1) * 10 <= w, `${n} in ${w}x${h}`);
      assert.ok(t.rows * t.height + (t.rows - 1) * 10 <= h, `${n} in ${w}x${h}`);
      assert.ok(t.width / t.height < 1.8, `${n} in ${w}x${h}`);
    }
});

test("a small stage holds fewer tiles, a large one no more than the limit", () => {
  assert.ok(capacity(360, 560, 10) < capacity(1280, 660, 10));
  assert.equal(capacity(3840, 2000, 10), LIMIT_TILES);
  assert.equal(capacity(0, 0, 10), 1);
});

const plan = {
  title: "Tea, cake; more\\",
  link: "https://meet.example.org/m/0123456789#1.secret",
  start: Date.UTC(2026, 11, 1, 10, 30),
  minutes: 45,
};

test("a calendar file says when, what and where, with RFC 5545's escapes", () => {
  const text = calendarFile(plan, Date.UTC(2026, 10, 23));
  const lines = text.replace(/\r\n /g, "").split("\r\n");
  assert.ok(lines.includes("DTSTART:20261201T103000Z"));
  assert.ok(lines.includes("DTEND:20261201T111500Z"));
  assert.ok(lines.includes("UID:0123456789@meet.example.org"));
  assert.ok(lines.includes("SUMMARY:Tea\\, cake\\; more\\\\"));
  assert.ok(lines.some((l) => l.startsWith("DESCRIPTION:") && l.includes("#1.secret")));
});

test("a calendar file has no line longer than 75 octets, also of wide letters", () => {
  const text = calendarFile({ ...plan, title: "会議".repeat(60) }, 0);
  for (const line of text.split("\r\n"))
    assert.ok(new TextEncoder().encode(line).length <= 75, line);
  assert.ok(text.replace(/\r\n /g, "").includes("会議".repeat(60)));
});

test("an invitation has title, time and the whole link", () => {
  const text = invitationText(plan);
  assert.ok(text.startsWith("Tea, cake; more\\\n"));
  assert.ok(text.includes(plan.link));
  assert.ok(!invitationText({ ...plan, start: null }).includes("2026"));
});

test("people are found by name, domain and address, without accents and case", () => {
  const jose = person(1, "José Ruiz", verified("jr@company.com"));
  for (const query of ["jose", "RUIZ", "company", "jr@", "ruiz jose", ""])
    assert.ok(matches(jose, query), query);
  assert.ok(!matches(jose, "jose smith"));
  assert.ok(matches(person(2, "Bo", guest), "unverified"));
});

const whole = {
  isSecureContext: true,
  WebAssembly: {},
  crypto: { subtle: {} },
  indexedDB: {},
  Worker: class {},
  RTCPeerConnection: class {},
  RTCRtpScriptTransform: class {},
};

test("a browser that has everything lacks nothing", () => {
  assert.deepEqual(missingFeatures(whole), []);
  assert.deepEqual(missingForMedia(whole), []);
});

test("what a browser lacks is named", () => {
  assert.deepEqual(missingFeatures({ ...whole, WebAssembly: undefined }), ["webassembly"]);
  assert.deepEqual(missingFeatures({ ...whole, indexedDB: undefined }), ["indexeddb"]);
  assert.deepEqual(missingFeatures({ ...whole, isSecureContext: false, crypto: {} }), ["secure"]);
  assert.deepEqual(missingFeatures({ ...whole, crypto: {} }), ["webcrypto"]);
  assert.deepEqual(missingForMedia({ ...whole, RTCRtpScriptTransform: undefined }), ["transform"]);
});
