/* The table of certificates as the native tests write it (tests/unit/identity). */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readIdentity } from "../src/read.js";
import { Reader, unhex, Writer } from "../src/wire.js";

const ROOT = new URL("../../../../", import.meta.url).pathname;
const BIN = process.env["CONCLAVE_BIN"] ?? join(ROOT, "build/bin");
const WRITER = join(BIN, "tests/identity-cases");
const PURPOSES = ["", "provider", "public", "private"];

type Row = Record<string, string>;

function readTable(folder: string): Row[] {
  const [head, ...lines] = readFileSync(join(folder, "cases.tsv"), "utf8").trimEnd().split("\n");
  const columns = head!.split("\t");
  return lines.map((line) => {
    const cells = line.split("\t");
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ""]));
  });
}

const split = (text: string) => (text === "" ? [] : text.split(","));

/** As identity_judge of src/wasm/verdict.c reads it. */
function request(folder: string, row: Row): Uint8Array {
  const file = (name: string) => readFileSync(join(folder, row["case"]!, `${name}.der`));
  const chain = Array.from({ length: Number(row["certificates"]) }, (_, i) => file(`chain-${i}`));
  const text = (w: Writer, name: string) => w.text(name);
  return new Writer()
    .u8(PURPOSES.indexOf(row["purpose"]!))
    .list(split(row["domains"]!), text)
    .vector(file("anchor-0"))
    .list(split(row["revoked"]!), (w, one) => {
      const [issuer, serial] = one.split(":");
      w.vector(file(issuer!)).vector(unhex(serial!));
    })
    .list(chain, (w, certificate) => w.vector(certificate))
    .vector(unhex(row["signature_key"]!))
    .u64(Number(row["now"]))
    .u8(Number(row["usages"]))
    .list(split(row["organisation"]!), text)
    .text(row["wanted"]!)
    .bytes();
}

export const noCases: string | false = existsSync(WRITER)
  ? false
  : "this build has no tests/identity-cases";

const BASE64 = "base64";

/** Each row: what to ask of identity_judge, and what it must say; bytes in base64. */
export function readCases() {
  const folder = mkdtempSync(join(tmpdir(), "conclave-cases-"));
  try {
    const written = spawnSync(WRITER, [folder]);
    if (written.status !== 0) throw new Error(String(written.stderr));
    return readTable(folder).map((row) => ({
      name: row["name"]!,
      request: Buffer.from(request(folder, row)).toString(BASE64),
      want: {
        category: row["category"],
        reason: row["reason"],
        label: row["label"],
        identifier: row["identifier"],
      },
      read: (answer: string) => {
        const r = new Reader(new Uint8Array(Buffer.from(answer, BASE64)));
        const { category, reason, label, identifier } = readIdentity(r);
        return { category, reason: reason.name, label, identifier };
      },
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
