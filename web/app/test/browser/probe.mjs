/* A frame put through a page's frames' worker by hand: what a page seals, whether or not it is sent,
 * and what a page could open, whatever reaches it. The worker is the shipped one; it takes the frame
 * for one of WebRTC's. */

/* By what it does: its address says nothing, and workers that wait do not answer. */
const workerOf = (page) =>
  Promise.any(
    page.workers().map(async (worker) => {
      const type = await worker.evaluate(() => typeof globalThis.onrtctransform);
      if (type !== "function") throw new Error("another worker");
      return worker;
    }),
  );

/* Runs in the worker. */
function put([options, bytes]) {
  return new Promise((done) => {
    let out = null;
    const data = Uint8Array.from(bytes).buffer;
    const frame = { data, getMetadata: () => ({ synchronizationSource: 1 }) };
    const readable = new ReadableStream({
      start(controller) {
        controller.enqueue(frame);
        controller.close();
      },
    });
    const writable = new WritableStream({
      write: (result) => void (out = [...new Uint8Array(result.data)]),
      close: () => done(out),
    });
    globalThis.onrtctransform({ transformer: { readable, writable, options } });
  });
}

/* As a key frame of VP8 begins (RFC 6386 9.1): of others none is shown first. */
const FRAME = [0x10, ...Array.from({ length: 199 }, (_, i) => i)];

export async function seal(page) {
  return (await workerOf(page)).evaluate(put, [{ side: "seal", source: "camera" }, FRAME]);
}

/** Whether a frame of seal() opens there. */
export async function opens(page, sealed) {
  const how = { side: "open", kind: "video", id: "probe" };
  const plain = await (await workerOf(page)).evaluate(put, [how, sealed]);
  return plain !== null && plain.join() === FRAME.join();
}

/** What the worker counts: FrameStats of web/core. */
export async function frameStats(page) {
  const worker = await workerOf(page);
  return worker.evaluate(
    () =>
      new Promise((done) => {
        const plain = globalThis.postMessage;
        globalThis.postMessage = (told, ...more) => {
          if (told.what !== "stats") return plain.call(globalThis, told, ...more);
          globalThis.postMessage = plain;
          done(told.stats);
        };
        globalThis.onmessage({ data: { what: "stats" } });
      }),
  );
}

/** The page keeps its workers, with what they know, also when it should let go of them. */
export const keepWorkers = (page) =>
  page.evaluate(() => {
    globalThis.Worker.prototype.terminate = () => {};
  });
