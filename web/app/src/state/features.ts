/* What a browser must have. Named so that people are told what is missing. */
export type Feature =
  "secure" | "webassembly" | "webcrypto" | "webrtc" | "transform" | "indexeddb" | "worker";

type World = Record<string, unknown> & { isSecureContext?: boolean };

const has = (world: World, name: string): boolean => typeof world[name] !== "undefined";

/** Without these there is no meeting. */
export function missingFeatures(world: World): Feature[] {
  const missing: Feature[] = [];
  if (world.isSecureContext !== true) missing.push("secure");
  if (!has(world, "WebAssembly")) missing.push("webassembly");
  if (!(world.crypto as Crypto | undefined)?.subtle && world.isSecureContext === true)
    missing.push("webcrypto");
  if (!has(world, "indexedDB")) missing.push("indexeddb");
  if (!has(world, "Worker")) missing.push("worker");
  return missing;
}

/** Without these there is neither sound nor picture, but all the rest. */
export function missingForMedia(world: World): Feature[] {
  const missing: Feature[] = [];
  if (!has(world, "RTCPeerConnection")) missing.push("webrtc");
  if (!has(world, "RTCRtpScriptTransform")) missing.push("transform");
  return missing;
}
