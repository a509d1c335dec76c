/* In place of SFrame, in the worker where it will be: the frame's clear bytes, a header that names
 * its sender, and the rest as it was (docs/MEDIA.md). So the switch sees what it will see, and the
 * page learns from the frames themselves whose they are. Nothing is sealed here. */

export interface Task {
  readonly seal?: { readonly leaf: number; readonly epoch: number };
  readonly open?: { readonly id: string };
  readonly kind: "audio" | "video";
}

const HEADER = 3; // RFC 9605 4.3: X and two bytes of key ID, counter 0 in the first byte
const TAG = 16;

/* RFC 6386 9.1: the first bit of a key frame is 0. */
const clearOf = (kind: string, data: Uint8Array) =>
  kind === "audio" ? 0 : (data[0]! & 1) === 0 ? 10 : 3;

function seal(data: Uint8Array, kind: string, { leaf, epoch }: { leaf: number; epoch: number }) {
  const clear = clearOf(kind, data);
  const out = new Uint8Array(data.length + HEADER + TAG);
  out.set(data.subarray(0, clear));
  out.set([0x90, leaf, epoch], clear);
  out.set(data.subarray(clear), clear + HEADER);
  return out;
}

function open(data: Uint8Array, kind: string) {
  const clear = clearOf(kind, data);
  if (data.length < clear + HEADER + TAG || data[clear] !== 0x90) return null;
  const out = new Uint8Array(data.length - HEADER - TAG);
  out.set(data.subarray(0, clear));
  out.set(data.subarray(clear + HEADER, data.length - TAG), clear);
  return { leaf: data[clear + 1]!, out };
}

function transform(task: Task) {
  let shown: number | null = null;
  return (frame: { data: ArrayBuffer }, out: TransformStreamDefaultController) => {
    const data = new Uint8Array(frame.data);
    if (task.seal !== undefined) {
      frame.data = seal(data, task.kind, task.seal).buffer;
    } else {
      const opened = open(data, task.kind);
      if (opened === null) return; // no pass-through
      frame.data = opened.out.buffer;
      if (shown !== opened.leaf) self.postMessage({ id: task.open!.id, leaf: opened.leaf });
      shown = opened.leaf;
    }
    out.enqueue(frame);
  };
}

/* TypeScript's library of workers does not know the event yet. */
self.addEventListener("rtctransform", (event) => {
  const { transformer } = event as Event & {
    transformer: { options: Task; readable: ReadableStream; writable: WritableStream };
  };
  void transformer.readable
    .pipeThrough(new TransformStream({ transform: transform(transformer.options) }))
    .pipeTo(transformer.writable)
    .catch(() => {}); // its track ended
});
