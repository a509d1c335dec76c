/* A frame put through a page's frames' worker by hand: what a page seals, whether or not it is sent,
 * and what a page could open, whatever reaches it. The worker is the shipped one; it takes the frame
 * for one of WebRTC's. */

const workerOf = (page) => page.workers().find((w) => w.url().includes("frames-worker"));

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

/* As VP8's: three bytes stay in clear (docs/MEDIA.md). */
const FRAME = [1, ...Array.from({ length: 199 }, (_, i) => i)];

export const seal = (page) => workerOf(page).evaluate(put, [{ side: "seal", source: "camera" }, FRAME]);

/** Whether a frame of seal() opens there. */
export async function opens(page, sealed) {
  const how = { side: "open", kind: "video", id: "probe" };
  const plain = await workerOf(page).evaluate(put, [how, sealed]);
  return plain !== null && plain.join() === FRAME.join();
}

/** The page keeps its workers, with what they know, also when it should let go of them. */
export const keepWorkers = (page) =>
  page.evaluate(() => {
    globalThis.Worker.prototype.terminate = () => {};
  });
