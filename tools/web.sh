#!/bin/sh
# The browser app: web/app, with what it takes of web/core and web/media.
#
#   tools/web.sh check      types, and tests that need no browser
#   tools/web.sh build      build/web, as conclaved serves it; twice, to see that both are the same
#   tools/web.sh browser    tests in a browser, with a scripted meeting and with a real one
#   tools/web.sh attacked   the quick part of the tests with a server that lies
#   tools/web.sh call       the quick part of the call of three browsers and two natives
#   tools/web.sh epochs     a call while its keys change CHANGES times, 100 if nothing is said
#   tools/web.sh screens    pictures of every screen, into build/screens
#
# CONCLAVED and CONCLAVE name the programs for the last five; default: build/bin. ATTACK_WEB names the
# server that lies; default: that of the debug build.
set -eu
cd "$(dirname "$0")/../web/app"
root=$(cd ../.. && pwd)

skip()
{
    echo "** SKIPPED: $1 Nothing was shown about the browser app in this run. **"
    [ "${WEB_REQUIRED:-0}" = 0 ] || exit 1
    exit 77
}

# As the lock file says, and only when that has changed.
install()
{
    command -v npm >/dev/null || skip "there is no npm; tools/install-deps.sh test installs it."
    cmp -s package-lock.json node_modules/.installed && return
    if ! timeout 150 npm ci --no-audit --no-fund --fetch-retries=1 >npm.log 2>&1; then
        cat npm.log
        ! grep -Eq 'E(NOTFOUND|AI_AGAIN|CONN|TIMEDOUT|NETUNREACH)|ERR_SOCKET' npm.log ||
            skip "npm cannot reach its registry."
        exit 1
    fi
    rm npm.log
    cp package-lock.json node_modules/.installed
}

build()
{
    command -v clang-19 >/dev/null || skip "there is no clang-19; tools/install-deps.sh web installs it."
    "$root/tools/build-wasm.sh" "$root/build/wasm"
    node build.mjs
    node build.mjs --out "$root/build/web-again" >/dev/null
    if ! cmp -s "$root/build/web/manifest.json" "$root/build/web-again/manifest.json"; then
        echo "Two builds of the same sources differ." >&2
        diff "$root/build/web/manifest.json" "$root/build/web-again/manifest.json" >&2
        exit 1
    fi
    rm -r "$root/build/web-again"
}

with_browser()
{
    [ -x "${CHROMIUM:-/usr/bin/chromium}" ] ||
        skip "there is no chromium; tools/install-deps.sh browser installs it."
    [ -d "$root/build/web" ] || skip "there is no build/web."
}

install
case ${1:-} in
check)
    node_modules/.bin/tsc --noEmit
    node_modules/.bin/tsc -p tsconfig.media.json
    node test/run.mjs
    ;;
build) build ;;
browser)
    build
    node build.mjs --scripted
    node --test --test-concurrency=1 test/browser/*.test.mjs
    ;;
attacked)
    with_browser
    LIAR_QUICK=1 node --test --test-concurrency=1 test/browser/liar.test.mjs
    ;;
call)
    with_browser
    CALL_QUICK=1 node --test test/browser/call.test.mjs
    ;;
epochs)
    build
    with_browser
    node --test test/browser/epochs.mjs
    ;;
screens)
    node build.mjs --scripted
    node test/browser/screens.mjs
    ;;
*)
    sed -n '2,13s/^# \{0,1\}//p' "$root/tools/web.sh"
    exit 2
    ;;
esac
