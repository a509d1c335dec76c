// What each bridge costs: `node test/browser/bench.mjs`, for docs/BENCHMARKS.md.
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { startBrowser, startProxy, startServer } from "./harness.mjs";

const ROUNDS = 400;
const JOINS = 10;

const server = await startServer();
const proxy = await startProxy(server.url);
const browser = await startBrowser();
const page = await browser.newPage();
await page.goto(proxy.origin);
await page.waitForFunction("window.ready");

for (const bridge of ["jspi", "shared", "software"]) {
  const result = await page.evaluate(
    async ({ bridge, ROUNDS, JOINS }) => {
      const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
      const timed = async (rounds, work) => {
        const times = [];
        for (let i = 0; i < rounds; i++) {
          const began = performance.now();
          await work();
          times.push(performance.now() - began);
        }
        return median(times);
      };
      const load = await timed(5, async () => (await conclave.loadCore({ bridge })).close());
      const core = await conclave.loadCore({ bridge });
      const { client } = core;
      const account = core.account(location.origin);
      const session = await account.signUp(`bench-${bridge}@conclave.test`, "a long password, really");
      const credential = await account.certify(session);

      /* As src/wasm/verdict.c reads it; the chain is one signature long. */
      const out = [];
      const vec = (bytes) => {
        out.push(0x80, bytes.length >> 16, (bytes.length >> 8) & 255, bytes.length & 255, ...bytes);
        if (bytes.length < 0x4000) {
          const n = bytes.length;
          out.splice(-(n + 4), 4, ...(n < 0x40 ? [n] : [0x40 | (n >> 8), n & 255]));
        }
      };
      const list = (bytes) => [...(bytes.length < 0x40 ? [bytes.length] : [0x40 | (bytes.length >> 8), bytes.length & 255]), ...bytes];
      out.push(1, 0);
      vec(credential.root);
      out.push(0);
      vec(list([...credential.chain[0]]));
      const key = new Uint8Array(await crypto.subtle.exportKey("raw", credential.key.publicKey));
      vec([...key]);
      const now = Math.floor(Date.now() / 1000);
      out.push(0, 0, 0, 0, now >>> 24, (now >>> 16) & 255, (now >>> 8) & 255, now & 255, 3, 0, 0);
      const chain = Uint8Array.from(out);

      const none = new Uint8Array(0);
      const nothing = await timed(ROUNDS, () => client.tool("reason_words", none));
      const sign = await timed(ROUNDS, () => client.tool("csr_make", none, credential.key));
      const verify = await timed(ROUNDS, () => client.tool("identity_judge", chain));

      const link = await account.create(session, credential, {
        title: "Bench",
        unlocked: { guest: "join" },
      });
      const host = await core.open({ link, name: "Ada", credential, connect, store: null });
      await until("the host is in", () => host.phase === "in-meeting");
      const join = [];
      for (let i = 0; i < JOINS; i++) {
        const visitor = await account.certify(await account.guest());
        const began = performance.now();
        const guest = await core.open({ link, credential: visitor, connect, store: null });
        await new Promise((resolve) => {
          guest.on((event) => {
            if (event.type === "phase" && event.phase === "in-meeting") resolve();
          });
        });
        join.push(performance.now() - began);
        await guest.leave();
        await until("gone", () => host.roster().length === 1);
        await guest.close();
      }
      const code = await timed(5, () => host.code());
      await host.endForAll();
      core.close();
      const us = (ms) => Math.round(1000 * ms);
      return {
        load_ms: load,
        call_us: us(nothing),
        sign_us: us(sign - nothing),
        verify_us: us(verify - nothing),
        join_ms: median(join),
        code_ms: code,
      };
    },
    { bridge, ROUNDS, JOINS },
  );
  console.log(JSON.stringify({ bridge, ...result }));
}

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("frames-bench.ts", import.meta.url))],
  bundle: true,
  format: "esm",
  write: false,
});
await page.addScriptTag({ type: "module", content: outputFiles[0].text });
await page.waitForFunction("window.benchFrames");
for (const bytes of [100, 1200, 20000])
  console.log(JSON.stringify(await page.evaluate((n) => benchFrames(n, 2000), bytes)));
await browser.close();
proxy.stop();
await server.stop();
