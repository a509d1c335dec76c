#!/bin/sh
# Builds the browser's core (web/core) with its WebAssembly module, and runs its tests in Node against
# the programs in CONCLAVE_BIN (build/bin); with the argument `browser` in Chromium, too.
set -eu
cd "$(dirname "$0")/.."
CONCLAVE_BIN=${CONCLAVE_BIN:-build/bin}
CONCLAVE_BIN=$(cd "$CONCLAVE_BIN" && pwd)
export CONCLAVE_BIN

tools/build-wasm.sh build/wasm
cd web/core
[ node_modules/.package-lock.json -nt package-lock.json ] ||
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-audit --no-fund
npm run --silent build
npm run --silent test
[ "${1:-}" != browser ] || npm run --silent test-browser
