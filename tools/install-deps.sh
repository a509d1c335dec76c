#!/bin/sh
# Installs the Debian 12 packages that are missing for what you want to do, and no others.
#
#   tools/install-deps.sh [--check] GROUP...
#
# GROUP is one or more of: build test lint fuzz coverage taint browser web all
# --check only tells what is missing and fails if anything is.
set -eu

packages_of()
{
    case $1 in
    build)
        echo build-essential cmake ninja-build pkg-config libssl-dev libjansson-dev \
            libsqlite3-dev libuv1-dev libwebsockets-dev libwebsockets-evlib-uv libcurl4-openssl-dev \
            libogg-dev libopus-dev libvpx-dev ca-certificates
        # The multi-buffer library is written for x86-64; elsewhere OpenSSL does its work.
        [ "$(dpkg --print-architecture)" != amd64 ] || echo libipsec-mb-dev
        ;;
    test) packages_of build; echo libcmocka-dev libsrtp2-dev python3 chromium; node_packages ;;
    lint) packages_of test; echo clang-format clang-tidy cppcheck git ;;
    fuzz) packages_of build; echo clang-19 libclang-rt-19-dev ;;
    coverage) packages_of test; echo gcovr ;;
    taint) packages_of test; echo valgrind libc6-dbg ;;
    browser) packages_of build; echo chromium fonts-noto-color-emoji; node_packages ;;
    web) packages_of build; echo clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 python3; node_packages ;;
    all) for group in test lint fuzz coverage taint browser web; do packages_of $group; done ;;
    *) echo "unknown group: $1" >&2; return 1 ;;
    esac
}

# Any Node will do that is already there, wherever it came from; npm comes along with most of them.
node_packages()
{
    command -v node >/dev/null 2>&1 || echo nodejs ca-certificates
    command -v npm >/dev/null 2>&1 || echo npm
}

installed()
{
    dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "Installing needs root: run this as root, or install sudo." >&2
        return 1
    fi
}

check_node()
{
    node=$(command -v node || true)
    [ -n "$node" ] || return 0
    major=$("$node" --version | sed 's/^v\([0-9]*\).*/\1/')
    [ "$major" -ge 20 ] || echo "Note: node is version $major; the tests that need 20 are skipped." >&2
}

check=no
groups=
for argument in "$@"; do
    case $argument in
    --check) check=yes ;;
    -*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
    *) groups="$groups $argument" ;;
    esac
done
[ -n "$groups" ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "This is not a Debian system: install the equivalents yourself, see $0." >&2
    exit 0
fi

wanted=
for group in $groups; do
    wanted="$wanted $(packages_of "$group")"
done
missing=
for package in $(printf '%s\n' $wanted | sort -u); do
    installed "$package" || missing="$missing $package"
done

if [ -z "$missing" ]; then
    echo "Dependencies for$groups: all installed."
elif [ $check = yes ]; then
    echo "Missing packages:$missing" >&2
    echo "Install them with: tools/install-deps.sh$groups" >&2
    exit 1
else
    echo "Installing:$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing
fi
case " $groups " in *" test "* | *" all "*) check_node ;; esac
