/* What a native participant recorded of others (`conclave join --record`), also while it still does. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export const LAST = 15; // pictures that are looked at

function framesOf(file) {
  const frames = [];
  for (let at = 32; at + 12 <= file.length; ) {
    const size = file.readUInt32LE(at);
    if (at + 12 + size > file.length) break; // still being written
    frames.push(file.subarray(at + 12, at + 12 + size));
    at += 12 + size;
  }
  return frames;
}

/* From the last key frame on that has so many behind it. */
function decodable(frames, least) {
  const isKey = (frame) => (frame[0] & 1) === 0; // RFC 6386 9.1
  return frames.slice(Math.max(0, frames.slice(0, 1 - least).findLastIndex(isKey)));
}

/** The newest file of that person's source. */
async function fileOf(folder, name, source) {
  const files = (await readdir(folder)).filter((f) => f.includes(`-${name}-${source}`)).sort();
  return files.length === 0 ? Buffer.alloc(0) : readFile(join(folder, files.at(-1)));
}

/** How many pictures there are. */
export const picturesOf = async (folder, name) =>
  framesOf(await fileOf(folder, name, "camera")).length;

/** Cards of the last pictures, LAST of them; `page` decodes them, which has eyes. */
export async function cardsOf(page, folder, name) {
  const frames = decodable(framesOf(await fileOf(folder, name, "camera")), LAST);
  return page.evaluate(
    ([texts, last]) => globalThis.eyes.decodeCards(texts, last),
    [frames.map((frame) => frame.toString("base64")), LAST],
  );
}

/** Which of these tones are in the last second and a half of sound, and how long it is in all. */
export async function tonesOf(page, folder, name, candidates) {
  const file = await fileOf(folder, name, "sound");
  if (file.length === 0) return { heard: [], seconds: 0 };
  return page.evaluate(
    ([text, hz]) => globalThis.eyes.hearFile(text, hz),
    [file.toString("base64"), candidates],
  );
}
