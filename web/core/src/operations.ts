/* The primitives that WebCrypto has, by the names of the module's imports
 * (src/crypto/host/import.h). Inputs and outputs are bytes, so that they can be done in this thread
 * or in another. */

export type Operation =
  | "gcm_seal"
  | "gcm_open"
  | "dh_public"
  | "dh"
  | "dh_check"
  | "verify"
  | "spki_verify"
  | "sign";

export const OPERATIONS: readonly Operation[] = [
  "gcm_seal",
  "gcm_open",
  "dh_public",
  "dh",
  "dh_check",
  "verify",
  "spki_verify",
  "sign",
];

/* enum host_result */
export const DONE = 0;
export const NO = 1;
export const FAILED = 2;
export const NOT_HERE = 3;
export const NO_KEY = 4;

export interface Outcome {
  readonly result: number;
  readonly data: Uint8Array; // empty unless DONE
}

export const NOTHING = new Uint8Array(0);
const yes = (data: Uint8Array = NOTHING): Outcome => ({ result: DONE, data });
const say = (result: number): Outcome => ({ result, data: NOTHING });

/* enum crypto_curve_id; X448 is in no suite that is offered. */
const CURVES = ["P-256", "P-384", "P-521", "X25519"] as const;
/* enum crypto_sig_id */
const SIGNATURES = ["P-256", "P-384", "P-521", "Ed25519"] as const;
const HASH_OF = { "P-256": "SHA-256", "P-384": "SHA-384", "P-521": "SHA-512" } as const;
/* enum spki_algorithm */
const SPKI = [
  null,
  { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
  { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" },
  { name: "ECDSA", hash: "SHA-256" },
  { name: "ECDSA", hash: "SHA-384" },
  { name: "ECDSA", hash: "SHA-512" },
  { name: "Ed25519", hash: "" },
  { name: "Ed448", hash: "" },
] as const;

/* OneAsymmetricKey (RFC 5958) around a private key without its public one, which RFC 5915 leaves
 * optional: the bytes in front of the key. */
const PKCS8: Record<(typeof CURVES)[number], string> = {
  "P-256": "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420",
  "P-384": "304e020100301006072a8648ce3d020106052b81040022043730350201010430",
  "P-521": "3060020100301006072a8648ce3d020106052b81040023044930470201010442",
  X25519: "302e020100300506032b656e04220420",
};
const prefixes = new Map<string, Uint8Array>(
  Object.entries(PKCS8).map(([curve, text]) => [
    curve,
    Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16)),
  ]),
);

type Bytes = Uint8Array<ArrayBuffer>;

function pkcs8(curve: string, priv: Uint8Array): Bytes {
  const prefix = prefixes.get(curve)!;
  const out = new Uint8Array(prefix.length + priv.length);
  out.set(prefix);
  out.set(priv, prefix.length);
  return out;
}

function agreement(curve: string): EcKeyImportParams | { name: string } {
  return curve === "X25519" ? { name: curve } : { name: "ECDH", namedCurve: curve };
}

/** What a rejection means: the bytes are wrong, or this WebCrypto cannot. */
function refusal(error: unknown, no: number): Outcome {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotSupportedError") return say(NOT_HERE);
  return say(name === "DataError" || name === "OperationError" ? no : FAILED);
}

function base64url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
}

/** WebCrypto, with the signature keys it signs with. */
export class WebCryptoOperations {
  private readonly keys = new Map<number, CryptoKey>();
  private readonly subtle = globalThis.crypto.subtle;

  setKey(number: number, key: CryptoKey | null): void {
    if (key === null) this.keys.delete(number);
    else this.keys.set(number, key);
  }

  perform(operation: Operation, which: number, inputs: readonly Uint8Array[]): Promise<Outcome> {
    const [a, b, c, d] = inputs as readonly Bytes[];
    switch (operation) {
      case "gcm_seal":
        return this.gcm("encrypt", a!, b!, c!, d!);
      case "gcm_open":
        return this.gcm("decrypt", a!, b!, c!, d!);
      case "dh_public":
        return this.dhPublic(CURVES[which]!, a!);
      case "dh":
        return this.dh(CURVES[which]!, a!, b!);
      case "dh_check":
        return this.dhCheck(CURVES[which]!, a!);
      case "verify":
        return this.verify(SIGNATURES[which]!, a!, b!, c!);
      case "spki_verify":
        return this.spkiVerify(which & 0xff, which >> 8, a!, b!, c!);
      case "sign":
        return this.sign(which, a!);
    }
  }

  private async gcm(
    way: "encrypt" | "decrypt",
    key: Bytes,
    iv: Bytes,
    additionalData: Bytes,
    text: Bytes,
  ): Promise<Outcome> {
    try {
      const k = await this.subtle.importKey("raw", key, "AES-GCM", false, [way]);
      const out = await this.subtle[way]({ name: "AES-GCM", iv, additionalData }, k, text);
      return yes(new Uint8Array(out));
    } catch (error) {
      return refusal(error, NO);
    }
  }

  private async dhPublic(curve: string, priv: Bytes): Promise<Outcome> {
    try {
      const usages: KeyUsage[] = ["deriveBits"];
      const key = await this.subtle.importKey(
        "pkcs8",
        pkcs8(curve, priv),
        agreement(curve),
        true,
        usages,
      );
      const jwk = await this.subtle.exportKey("jwk", key);
      const x = base64url(jwk.x!);
      if (curve === "X25519") return yes(x);
      const y = base64url(jwk.y!);
      return yes(Uint8Array.of(4, ...x, ...y));
    } catch (error) {
      return refusal(error, NO);
    }
  }

  private async dh(curve: string, priv: Bytes, pub: Bytes): Promise<Outcome> {
    try {
      const algorithm = agreement(curve);
      const [key, peer] = await Promise.all([
        this.subtle.importKey("pkcs8", pkcs8(curve, priv), algorithm, false, ["deriveBits"]),
        this.subtle.importKey("raw", pub, algorithm, false, []),
      ]);
      const derive = { name: algorithm.name, public: peer };
      const shared = await this.subtle.deriveBits(derive, key, 8 * priv.length);
      return yes(new Uint8Array(shared));
    } catch (error) {
      return refusal(error, NO);
    }
  }

  private async dhCheck(curve: string, pub: Bytes): Promise<Outcome> {
    if (curve === "X25519") return this.dh(curve, new Uint8Array(32).fill(7), pub);
    try {
      await this.subtle.importKey("raw", pub, agreement(curve), false, []);
      return yes();
    } catch (error) {
      return refusal(error, NO);
    }
  }

  private async verify(curve: string, pub: Bytes, sig: Bytes, message: Bytes): Promise<Outcome> {
    let key: CryptoKey;
    try {
      const how = curve === "Ed25519" ? { name: curve } : { name: "ECDSA", namedCurve: curve };
      key = await this.subtle.importKey("raw", pub, how, false, ["verify"]);
    } catch (error) {
      return refusal(error, NO_KEY);
    }
    return this.check(key, curve, sig, message);
  }

  private async check(
    key: CryptoKey,
    curve: string,
    sig: Bytes,
    message: Bytes,
    hash?: string,
  ): Promise<Outcome> {
    try {
      const how = { name: key.algorithm.name, hash: hash ?? HASH_OF[curve as keyof typeof HASH_OF] };
      return say((await this.subtle.verify(how, key, sig, message)) ? DONE : NO);
    } catch (error) {
      return refusal(error, NO);
    }
  }

  private async spkiVerify(
    algorithm: number,
    curve: number,
    spki: Bytes,
    message: Bytes,
    sig: Bytes,
  ): Promise<Outcome> {
    const known = SPKI[algorithm];
    if (!known) return say(NOT_HERE);
    let key: CryptoKey;
    try {
      const how = { ...known, namedCurve: CURVES[curve]! };
      key = await this.subtle.importKey("spki", spki, how, false, ["verify"]);
    } catch (error) {
      return refusal(error, NOT_HERE);
    }
    return this.check(key, CURVES[curve]!, sig, message, known.hash);
  }

  private async sign(number: number, message: Bytes): Promise<Outcome> {
    const key = this.keys.get(number);
    if (key === undefined) return say(FAILED);
    const curve = (key.algorithm as EcKeyAlgorithm).namedCurve as keyof typeof HASH_OF;
    try {
      const how = { name: key.algorithm.name, hash: HASH_OF[curve] };
      return yes(new Uint8Array(await this.subtle.sign(how, key, message)));
    } catch {
      return say(FAILED);
    }
  }
}
