/* The table of certificates (tests/unit/identity): what the native library says of each row, the
 * browser's says. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { readIdentity } from "../src/read.js";
import { Reader, unhex, Writer } from "../src/wire.js";
import { BIN, engineInNode } from "./node.js";

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

for (const bridge of ["shared", "software"] as const) {
  test(
    `every verdict of the table is the native one, over the ${bridge} bridge`,
    { skip: existsSync(WRITER) ? false : "this build has no tests/identity-cases" },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "conclave-cases-"));
      assert.equal(spawnSync(WRITER, [folder]).status, 0);
      const engine = await engineInNode(bridge);
      const rows = readTable(folder);
      assert.ok(rows.length > 50);
      for (const row of rows) {
        const answer = await engine.client.tool("identity_judge", request(folder, row));
        const { category, reason, label, identifier } = readIdentity(new Reader(answer));
        assert.deepEqual(
          { category, reason: reason.name, label, identifier },
          {
            category: row["category"],
            reason: row["reason"],
            label: row["label"],
            identifier: row["identifier"],
          },
          row["name"],
        );
      }
      engine.stop();
      rmSync(folder, { recursive: true });
    },
  );
}
