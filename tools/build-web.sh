#!/bin/sh
# Builds the browser's core (web/core) with its WebAssembly module, and runs its tests in Node against
# the programs in CONCLAVE_BIN (build/bin); with the argument `browser` in Chromium, too, and with
# `build` none at all.
set -eu
cd "$(dirname "$0")/.."
case ${CONCLAVE_BIN:=build/bin} in /*) ;; *) CONCLAVE_BIN=$PWD/$CONCLAVE_BIN ;; esac
export CONCLAVE_BIN

skip()
{
    echo "** SKIPPED: $1 Nothing was shown about the browser's core in this run. **"
    [ "${WEB_REQUIRED:-0}" = 0 ] || exit 1
    exit 77
}

for tool in clang-19 wasm-ld-19 node npm; do
    command -v $tool >/dev/null || skip "there is no $tool; tools/install-deps.sh web installs it."
done
[ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ] || skip "this Node is older than 20."
[ -d /usr/include/wasm32-wasi ] ||
    skip "there is no wasi-libc; tools/install-deps.sh web installs it."

tools/build-wasm.sh build/wasm
cd web/core
# As the lock file says, and only when that has changed.
if ! cmp -s package-lock.json node_modules/.installed; then
    if ! timeout 150 npm ci --no-audit --no-fund --fetch-retries=1 >npm.log 2>&1; then
        cat npm.log
        ! grep -Eq 'E(NOTFOUND|AI_AGAIN|CONN|TIMEDOUT|NETUNREACH)|ERR_SOCKET' npm.log ||
            skip "npm cannot reach its registry."
        exit 1
    fi
    rm npm.log
    cp package-lock.json node_modules/.installed
fi
npm run --silent build
[ "${1:-}" != build ] || exit 0

npm run --silent test
[ "${1:-}" != browser ] || npm run --silent test-browser
