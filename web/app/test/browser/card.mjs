/* A camera and a microphone that can be recognised: files for Chromium's fake devices. The pictures
 * are test cards and the sounds tones as `conclave join --synthetic` sends them (src/media), so that
 * who is seen and heard can be told in the same way of all, whatever is their program. */
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";

const RATE = 15; // pictures a second
const SECONDS = 4; // then Chromium begins again
const SAMPLES = 48_000; // a second

/* src/media/test_card.c: the sender's colour, as U and V. */
export const COLOURS = [
  [192, 128],
  [187, 152],
  [173, 173],
  [152, 187],
  [128, 192],
  [104, 187],
  [83, 173],
  [69, 152],
  [64, 128],
  [69, 104],
  [83, 83],
  [104, 69],
  [128, 64],
  [152, 69],
  [173, 83],
  [187, 104],
];

/** The tone of a sender, in hertz (src/media/synthetic.h). */
export const hertz = (sender) => 300 + 50 * (sender % 64);

/* The 16-bit CRC of X.25, over 40 bits. */
function checksum(content) {
  let crc = 0xffff;
  for (let i = 39n; i >= 0n; i--) {
    const out = (crc >> 15) ^ Number((content >> i) & 1n);
    crc = ((crc << 1) & 0xffff) ^ (out ? 0x1021 : 0);
  }
  return crc;
}

/** The cells of a card, the first in the highest of 64 bits. */
export function codeOf(sender, number) {
  const content = (BigInt(sender) << 32n) | BigInt(number);
  return (0xc5n << 56n) | (content << 16n) | BigInt(checksum(content));
}

/* Grey above; in the lower half sender and number as 4 rows of 16 black and white cells. */
function drawCard([width, height], sender, number) {
  const luma = width * height;
  const picture = Buffer.alloc(luma + luma / 2, 110);
  const code = codeOf(sender, number);
  for (let y = height / 2; y < height; y++)
    for (let column = 0; column < 16; column++) {
      const row = Math.floor(((y - height / 2) * 8) / height);
      const white = (code >> BigInt(63 - row * 16 - column)) & 1n;
      const from = y * width + (column * width) / 16;
      picture.fill(white ? 235 : 16, from, from + width / 16);
    }
  const [u, v] = COLOURS[sender % COLOURS.length];
  picture.fill(u, luma, luma + luma / 4);
  picture.fill(v, luma + luma / 4);
  return picture;
}

async function writeCamera(path, size, sender) {
  const file = await open(path, "w");
  await file.write(`YUV4MPEG2 W${size[0]} H${size[1]} F${RATE}:1 Ip A1:1 C420\n`);
  for (let number = 0; number < RATE * SECONDS; number++) {
    await file.write("FRAME\n");
    await file.write(drawCard(size, sender, number));
  }
  await file.close();
}

/* As somebody speaks, with pauses: browsers take a tone that does not end for noise. Four a second,
 * each fading in and out. */
function loudness(at) {
  const within = (at % (SAMPLES / 4)) / (SAMPLES / 4);
  return within < 0.8 ? 0.3 * Math.sin((Math.PI * within) / 0.8) ** 0.5 : 0;
}

async function writeMicrophone(path, sender) {
  const n = SAMPLES * SECONDS;
  const head = Buffer.from("RIFF....WAVEfmt ....................data....", "latin1");
  head.writeUInt32LE(36 + 2 * n, 4);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22); // channels
  head.writeUInt32LE(SAMPLES, 24);
  head.writeUInt32LE(2 * SAMPLES, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.writeUInt32LE(2 * n, 40);
  const samples = Buffer.alloc(2 * n);
  const step = (2 * Math.PI * hertz(sender)) / SAMPLES;
  for (let i = 0; i < n; i++)
    samples.writeInt16LE(Math.round(32767 * loudness(i) * Math.sin(step * i)), 2 * i);
  await writeFile(path, Buffer.concat([head, samples]));
}

/** Makes the files of a sender; what Chromium is told to use them. Of 640 x 360 browsers send two
 * layers, of half of that one. */
export async function fakeDevices(folder, sender, size = [640, 360]) {
  const camera = join(folder, `camera-${sender}.y4m`);
  const microphone = join(folder, `microphone-${sender}.wav`);
  await writeCamera(camera, size, sender);
  await writeMicrophone(microphone, sender);
  return [
    `--use-file-for-fake-video-capture=${camera}`,
    `--use-file-for-fake-audio-capture=${microphone}`,
  ];
}
