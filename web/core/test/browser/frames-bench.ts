/* Frames one after another, without a transport: for bench.mjs, which bundles it into a page. */
import { FrameCrypt, keysOnly } from "../../src/frame-crypt.js";
import { Module } from "../../src/module.js";
import { Writer } from "../../src/wire.js";

async function member(module: WebAssembly.Module, leaf: number): Promise<FrameCrypt> {
  const crypt = new FrameCrypt(await Module.load(module, keysOnly));
  const key = new Writer().u64(5).u32(4).u32(leaf).raw(new Uint8Array(32).fill(1)).bytes();
  crypt.epoch({ epoch: 5, key, removed: [] });
  crypt.run({ epoch: 5, run: 0 });
  return crypt;
}

async function bench(bytes: number, rounds: number) {
  const module = await WebAssembly.compileStreaming(fetch("/conclave.wasm"));
  const [ada, bob] = [await member(module, 1), await member(module, 2)];
  const frame = new Uint8Array(bytes).fill(0x11);
  const sealed: Uint8Array[] = [];
  let began = performance.now();
  for (let i = 0; i < rounds; i++) sealed.push((await ada.seal("camera", 0, frame))!);
  const seal = (1000 * (performance.now() - began)) / rounds;
  began = performance.now();
  for (const one of sealed) if ((await bob.open("video", one)) === null) throw new Error("refused");
  return { bytes, seal_us: seal, open_us: (1000 * (performance.now() - began)) / rounds };
}

Object.assign(globalThis, { benchFrames: bench });
