/* Members who seal and open frames without a transport. */
import { FrameCrypt, keysOnly } from "../src/frame-crypt.js";
import { Module } from "../src/module.js";
import { Writer } from "../src/wire.js";
import { wasmModule } from "./node.js";

const module = wasmModule();

export const KEY_FRAME = Uint8Array.from({ length: 400 }, (_, i) => (i === 0 ? 0x10 : i & 0xff));
export const DELTA_FRAME = Uint8Array.from({ length: 90 }, (_, i) => (i === 0 ? 0x11 : i & 0xff));
export const SOUND = Uint8Array.from({ length: 60 }, (_, i) => i);

export const baseKey = (epoch: number) => new Uint8Array(32).fill(epoch);

/** Of an epoch with four leaves, as meeting_frame_key writes it. */
export function epochOf(epoch: number, ownLeaf: number, removed: number[] = [], run = 0) {
  const key = new Writer().u64(epoch).u32(4).u32(ownLeaf).raw(baseKey(epoch)).bytes();
  return { epoch, run, key, removed };
}

/** The epoch's key, and on record what it is used for. */
export function begin(crypt: FrameCrypt, epoch: ReturnType<typeof epochOf>): void {
  crypt.epoch(epoch);
  crypt.run(epoch);
}

export async function member(leaf: number, ...epochs: number[]): Promise<FrameCrypt> {
  const crypt = new FrameCrypt(await Module.load(module, keysOnly));
  for (const epoch of epochs) begin(crypt, epochOf(epoch, leaf));
  return crypt;
}
