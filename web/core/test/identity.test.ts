/* What the native library says of each row of the table of certificates, the module says. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { noCases, readCases } from "./cases.js";
import { engineInNode } from "./node.js";

for (const bridge of ["shared", "software"] as const) {
  const name = `every verdict of the table is the native one, over the ${bridge} bridge`;
  test(name, { skip: noCases }, async () => {
    const engine = await engineInNode(bridge);
    const rows = readCases();
    assert.ok(rows.length > 50);
    for (const row of rows) {
      const data = new Uint8Array(Buffer.from(row.request, "base64"));
      const answer = await engine.client.tool("identity_judge", data);
      assert.deepEqual(row.read(Buffer.from(answer).toString("base64")), row.want, row.name);
    }
    engine.stop();
  });
}
