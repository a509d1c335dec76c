/* What a page sees and hears, told by looking and listening: of whom a picture is by the card in it
 * (card.mjs), of whom a sound by its tone. install() puts it into every page of a context. */
import { COLOURS } from "./card.mjs";

/* Runs in the page, so it is all in one. */
function makeEyes(colours) {
  const connections = [];
  const PeerConnection = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends PeerConnection {
    constructor(...how) {
      super(...how);
      connections.push(this);
    }
  };

  /* ---- Pictures ---- */

  /** The planes of a VideoFrame, in I420. */
  async function planesOf(frame) {
    const { width, height } = frame.visibleRect;
    if (frame.format !== "I420") throw new Error(`a picture is ${frame.format}`);
    const data = new Uint8Array(frame.allocationSize());
    const layout = await frame.copyTo(data);
    return layout.map(({ offset, stride }, i) => ({
      at: (x, y) => data[offset + y * stride + x],
      width: i === 0 ? width : Math.ceil(width / 2),
      height: i === 0 ? height : Math.ceil(height / 2),
    }));
  }

  /** The mean of a box, away from its edges. */
  function mean(plane, left, top, right, bottom) {
    const [dx, dy] = [Math.floor((right - left) / 4), Math.floor((bottom - top) / 4)];
    let [sum, n] = [0, 0];
    for (let y = top + dy; y < bottom - dy; y++)
      for (let x = left + dx; x < right - dx; x++, n++) sum += plane.at(x, y);
    return sum / n;
  }

  function checksum(content) {
    let crc = 0xffff;
    for (let i = 39n; i >= 0n; i--) {
      const out = (crc >> 15) ^ Number((content >> i) & 1n);
      crc = ((crc << 1) & 0xffff) ^ (out ? 0x1021 : 0);
    }
    return BigInt(crc);
  }

  function readCode({ width, height, ...plane }) {
    let code = 0n;
    for (let i = 0; i < 64; i++) {
      const [row, column] = [Math.floor(i / 16), i % 16];
      const across = (n) => Math.floor((width * n) / 16);
      const down = (n) => Math.floor(height / 2) + Math.floor((height * n) / 8);
      const box = [across(column), down(row), across(column + 1), down(row + 1)];
      const light = mean(plane, ...box);
      if (light > 90 && light < 160) return null;
      code = (code << 1n) | (light >= 160 ? 1n : 0n);
    }
    const content = (code >> 16n) & 0xffffffffffn;
    if (code >> 56n !== 0xc5n || checksum(content) !== (code & 0xffffn)) return null;
    return { sender: Number(content >> 32n), number: Number(content & 0xffffffffn) };
  }

  function readColour(planes) {
    const [u, v] = planes.map((p) => mean(p, 0, 0, p.width, p.height));
    const near = ([x, y]) => Math.abs(u - x) < 12 && Math.abs(v - y) < 12;
    return colours.findIndex(near);
  }

  /** Whose card it is and which, and its colour; null: it is no card. */
  async function readCard(frame) {
    const [y, ...chroma] = await planesOf(frame);
    const code = readCode(y);
    const colour = readColour(chroma);
    const { displayWidth: width, displayHeight: height } = frame;
    frame.close();
    return code === null ? null : { ...code, colour, width, height };
  }

  /** What a <video> shows now. */
  async function look(video) {
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    return readCard(new VideoFrame(video, { timestamp: 0 }));
  }

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  /** Looks at all tiles until so many have each shown three different cards, or time is up. All that
   * were seen: [{ text, cards }], each card once. */
  async function watch(tiles, ms, selector = ".tile") {
    const seen = new Map();
    const moving = () => [...seen.values()].filter((cards) => cards.size >= 3).length;
    for (const end = performance.now() + ms; performance.now() < end; await pause(30)) {
      for (const tile of document.querySelectorAll(selector)) {
        const video = tile.querySelector("video");
        const card = video === null ? null : await look(video);
        if (card === null) continue;
        const text = tile.textContent;
        const cards = seen.get(text) ?? new Map();
        seen.set(text, cards.set(`${card.sender}/${card.number}`, card));
      }
      if (moving() >= tiles) break;
    }
    return [...seen].map(([text, cards]) => ({ text, cards: [...cards.values()] }));
  }

  /** The cards of the last pictures of a recorded stream of VP8, and of any that do not decode. */
  async function decodeCards(frames, last) {
    const reading = [];
    let failure = null;
    const decoder = new VideoDecoder({
      output: (frame) => {
        if (frame.timestamp >= frames.length - last) reading.push(readCard(frame));
        else frame.close();
      },
      error: (error) => (failure = error),
    });
    decoder.configure({ codec: "vp8" });
    frames.forEach((text, timestamp) => {
      const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const type = (data[0] & 1) === 0 ? "key" : "delta"; // RFC 6386 9.1
      decoder.decode(new EncodedVideoChunk({ type, timestamp, data }));
    });
    await decoder.flush();
    if (failure !== null) throw failure;
    decoder.close();
    return Promise.all(reading);
  }

  /* ---- Sound ---- */

  /** Which of these tones stand out in a spectrum: louder by 20 dB than what is beside them. */
  function tonesIn(bins, step, candidates) {
    const around = (hz) => {
      const at = Math.round(hz / step);
      return Math.max(...bins.subarray(at - 1, at + 2));
    };
    return candidates.filter((hz) => {
      const level = around(hz);
      return level > -65 && level > 20 + Math.max(around(hz - 25), around(hz + 25));
    });
  }

  /** Which tones come out of what is played, of the sources given. */
  async function listen(context, sources, candidates, ms) {
    const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
    for (const source of sources) source.connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    const heard = new Set();
    for (const end = performance.now() + ms; performance.now() < end; await pause(50)) {
      analyser.getFloatFrequencyData(bins);
      const step = context.sampleRate / analyser.fftSize;
      for (const hz of tonesIn(bins, step, candidates)) heard.add(hz);
    }
    for (const source of sources) source.disconnect();
    return [...heard].sort((a, b) => a - b);
  }

  /** Of these tones those that are heard within so many milliseconds. */
  async function hear(candidates, ms) {
    const context = new AudioContext();
    await context.resume();
    const sources = [...document.querySelectorAll("audio")]
      .filter((audio) => audio.srcObject !== null && !audio.muted && audio.volume > 0)
      .map((audio) => context.createMediaStreamSource(audio.srcObject));
    const heard = await listen(context, sources, candidates, ms);
    await context.close();
    return heard;
  }

  /** How strong a frequency is in samples, by Goertzel's algorithm, in dB. */
  function strength(samples, hz, rate) {
    const factor = 2 * Math.cos((2 * Math.PI * hz) / rate);
    let [before, last] = [0, 0];
    for (const x of samples) [before, last] = [last, x + factor * last - before];
    const power = last * last + before * before - factor * last * before;
    return 10 * Math.log10(power / (samples.length / 2) ** 2 + 1e-12);
  }

  /** Which of these tones are in the last second and a half of a recording, Opus in Ogg in base64, and
   * how long it is in all. */
  async function hearFile(text, candidates) {
    const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const context = new OfflineAudioContext(1, 1, 48_000);
    const buffer = await context.decodeAudioData(data.buffer).catch(() => null);
    if (buffer === null) return { heard: [], seconds: 0 }; // it has but begun
    const samples = buffer.getChannelData(0);
    const heard = new Set();
    for (let at = Math.max(0, samples.length - 72_000); at + 7_200 <= samples.length; at += 7_200) {
      const levelOf = (hz) => strength(samples.subarray(at, at + 7_200), hz, 48_000);
      for (const hz of candidates) {
        const level = levelOf(hz);
        if (level > -60 && level > 20 + Math.max(levelOf(hz - 25), levelOf(hz + 25))) heard.add(hz);
      }
    }
    return { heard: [...heard].sort((a, b) => a - b), seconds: buffer.duration };
  }

  /* ---- Numbers ---- */

  /** getStats() of all connections there are, as plain objects. */
  async function stats() {
    const all = [];
    for (const pc of connections)
      if (pc.connectionState !== "closed")
        (await pc.getStats()).forEach((entry) => all.push({ ...entry }));
    return all;
  }

  globalThis.eyes = { watch, decodeCards, hear, hearFile, stats };
}

export const openEyes = (context) => context.addInitScript(makeEyes, COLOURS);
