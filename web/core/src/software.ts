/* What the module cannot wait for where there is neither JSPI nor shared memory, in JavaScript.
 * null: not here; then it is done by WebCrypto, and the call is made anew (bridge.ts). Public keys
 * of authorities and signatures of ours are such. */
import { gcm } from "@noble/ciphers/aes.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";

import { DONE, NO, NO_KEY, NOTHING, type Operation, type Outcome } from "./operations.js";

const yes = (data: Uint8Array = NOTHING): Outcome => ({ result: DONE, data });
const no = (result = NO): Outcome => ({ result, data: NOTHING });

const NIST = [p256, p384, p521];

/** Whether it can be done at all: noble throws for what is no key, no point or no ciphertext. */
function attempt(work: () => Outcome, otherwise = NO): Outcome {
  try {
    return work();
  } catch {
    return no(otherwise);
  }
}

function dhPublic(which: number, priv: Uint8Array): Outcome {
  const curve = NIST[which];
  return attempt(() => yes(curve ? curve.getPublicKey(priv, false) : x25519.getPublicKey(priv)));
}

function dh(which: number, priv: Uint8Array, pub: Uint8Array): Outcome {
  const curve = NIST[which];
  return attempt(() =>
    /* RFC 9180 4.1: of a point, its x */
    yes(curve ? curve.getSharedSecret(priv, pub, true).slice(1) : x25519.getSharedSecret(priv, pub)),
  );
}

function dhCheck(which: number, pub: Uint8Array): Outcome {
  const curve = NIST[which];
  if (!curve) return dh(which, new Uint8Array(32).fill(7), pub);
  return attempt(() => {
    curve.Point.fromBytes(pub).assertValidity();
    return pub[0] === 4 ? yes() : no();
  });
}

function verify(which: number, pub: Uint8Array, sig: Uint8Array, message: Uint8Array): Outcome | null {
  const curve = NIST[which];
  if (!curve) return null;
  const key = dhCheck(which, pub);
  if (key.result !== DONE) return no(NO_KEY);
  return attempt(() => (curve.verify(sig, message, pub, { lowS: false }) ? yes() : no()));
}

export function performSoftware(
  operation: Operation,
  which: number,
  inputs: readonly Uint8Array[],
): Outcome | null {
  const [a, b, c, d] = inputs as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  switch (operation) {
    case "gcm_seal":
      return attempt(() => yes(gcm(a, b, c).encrypt(d)));
    case "gcm_open":
      return attempt(() => yes(gcm(a, b, c).decrypt(d)));
    case "dh_public":
      return dhPublic(which, a);
    case "dh":
      return dh(which, a, b);
    case "dh_check":
      return dhCheck(which, a);
    case "verify":
      return verify(which, a, b, c);
    case "spki_verify":
    case "sign":
      return null;
  }
}
