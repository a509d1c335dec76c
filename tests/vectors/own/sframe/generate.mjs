// Writes own.json: SFrame vectors in the format of the working group's, made by a second, naive
// implementation of RFC 9605 on Node's crypto, so that two programs have to agree.
//
//     node tests/vectors/own/sframe/generate.mjs > tests/vectors/own/sframe/own.json
import { createCipheriv, createHash, createHmac } from 'node:crypto';

const SUITES = {
  1: { cipher: 'aes-128-ctr', hash: 'sha256', nka: 16, nh: 32, nt: 10 },
  2: { cipher: 'aes-128-ctr', hash: 'sha256', nka: 16, nh: 32, nt: 8 },
  3: { cipher: 'aes-128-ctr', hash: 'sha256', nka: 16, nh: 32, nt: 4 },
  4: { cipher: 'aes-128-gcm', hash: 'sha256', nk: 16, nh: 32, nt: 16 },
  5: { cipher: 'aes-256-gcm', hash: 'sha512', nk: 32, nh: 64, nt: 16 },
  6: { cipher: 'aes-256-ctr', hash: 'sha512', nka: 32, nh: 64, nt: 10 },
  7: { cipher: 'aes-256-ctr', hash: 'sha512', nka: 32, nh: 64, nt: 8 },
  8: { cipher: 'aes-256-ctr', hash: 'sha512', nka: 32, nh: 64, nt: 4 },
};

// The same tree gives the same file.
function bytes(label, n) {
  const out = [];
  for (let i = 0; out.length < n; i++) {
    out.push(...createHash('sha256').update(`${label} ${i}`).digest());
  }
  return Buffer.from(out.slice(0, n));
}

function bigEndian(value, n) {
  const out = Buffer.alloc(n);
  for (let i = n - 1; i >= 0; i--, value >>= 8n) out[i] = Number(value & 255n);
  return out;
}

function header(kid, ctr) {
  const fields = [];
  const code = (v) => {
    if (v < 8n) return Number(v);
    const n = Math.ceil(v.toString(16).length / 2);
    fields.push(bigEndian(v, n));
    return 8 + n - 1;
  };
  const config = code(kid) * 16 + code(ctr);
  return Buffer.concat([Buffer.from([config]), ...fields]);
}

const hmac = (hash, key, data) => createHmac(hash, key).update(data).digest();

function expand(hash, prk, info, n) {
  let block = Buffer.alloc(0);
  let out = Buffer.alloc(0);
  for (let i = 1; out.length < n; i++) {
    block = hmac(hash, prk, Buffer.concat([block, info, Buffer.from([i])]));
    out = Buffer.concat([out, block]);
  }
  return out.subarray(0, n);
}

function encrypt(s, key, nonce, aad, pt) {
  if (s.nk) {
    const c = createCipheriv(s.cipher, key, nonce);
    c.setAAD(aad);
    return Buffer.concat([c.update(pt), c.final(), c.getAuthTag()]);
  }
  const c = createCipheriv(s.cipher, key.subarray(0, s.nka),
    Buffer.concat([nonce, Buffer.alloc(4)]));
  const ct = Buffer.concat([c.update(pt), c.final()]);
  const sizes = [aad.length, ct.length, s.nt].map((v) => bigEndian(BigInt(v), 8));
  const tag = hmac(s.hash, key.subarray(s.nka), Buffer.concat([...sizes, nonce, aad, ct]));
  return Buffer.concat([ct, tag.subarray(0, s.nt)]);
}

function vector(suite, kid, ctr, metadataSize, size) {
  const s = SUITES[suite];
  const name = `${suite} ${kid} ${ctr} ${metadataSize} ${size}`;
  const baseKey = bytes(`base key ${name}`, s.nk ?? s.nka + s.nh);
  const metadata = bytes(`metadata ${name}`, metadataSize);
  const pt = bytes(`plaintext ${name}`, size);
  const tail = Buffer.concat([bigEndian(kid, 8), bigEndian(BigInt(suite), 2)]);
  const keyLabel = Buffer.concat([Buffer.from('SFrame 1.0 Secret key '), tail]);
  const saltLabel = Buffer.concat([Buffer.from('SFrame 1.0 Secret salt '), tail]);
  const secret = hmac(s.hash, Buffer.alloc(0), baseKey);
  const key = expand(s.hash, secret, keyLabel, s.nk ?? s.nka + s.nh);
  const salt = expand(s.hash, secret, saltLabel, 12);
  const nonce = Buffer.from(salt.map((b, i) => b ^ bigEndian(ctr, 12)[i]));
  const aad = Buffer.concat([header(kid, ctr), metadata]);
  const hex = (b) => b.toString('hex');
  return {
    cipher_suite: suite, kid, ctr, base_key: hex(baseKey),
    sframe_key_label: hex(keyLabel), sframe_salt_label: hex(saltLabel),
    sframe_secret: hex(secret), sframe_key: hex(key), sframe_salt: hex(salt),
    metadata: hex(metadata), nonce: hex(nonce), aad: hex(aad), pt: hex(pt),
    ct: hex(Buffer.concat([header(kid, ctr), encrypt(s, key, nonce, aad, pt)])),
  };
}

const edges = [0n, 7n, 8n, 255n, 256n, 65535n, 65536n, (1n << 32n) - 1n, 1n << 32n, (1n << 56n) - 1n,
  1n << 56n, (1n << 64n) - 1n];
const sframe = [];
for (const suite of Object.keys(SUITES).map(Number)) {
  [0, 1, 15, 16, 17, 80, 200, 767, 1200].forEach((size, i) => {
    sframe.push(vector(suite, edges[(suite + i) % edges.length],
      edges[(2 * suite + 3 * i) % edges.length], [0, 3, 10, 200][i % 4], size));
  });
}
const headers = [];
for (const kid of edges) {
  for (const ctr of edges) headers.push({ kid, ctr, encoded: header(kid, ctr).toString('hex') });
}
const marked = JSON.stringify({ header: headers, sframe },
  (_, v) => (typeof v === 'bigint' ? `#${v}#` : v), 1);
process.stdout.write(`${marked.replace(/"#(\d+)#"/g, '$1')}\n`);
