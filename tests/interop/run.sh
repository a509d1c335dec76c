#!/bin/sh
# Runs an interoperation test against other people's code, which npm installs into the build folder.
#
#   tests/interop/run.sh FOLDER PEER [PART [SCRIPT [ARGUMENT...]]]
#
# PART is a folder, as seen from this script, with a package.json, its lock and SCRIPT, by default
# interop.mjs; without it they are those beside this script: mls-peer against ts-mls. SCRIPT is told
# where PEER and the repository are. FOLDER is made; nothing is written into the source tree. Without
# Node 20, or if npm cannot reach its registry, says so and exits with 77, for ctest to count as
# skipped; INTEROP_REQUIRED=1 makes that a failure. The other variables are those of the script.
set -eu
[ $# -ge 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
source=$(cd "$(dirname "$0")" && cd "${3:-.}" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
peer=$(realpath "$2")
mkdir -p "$1"
cd "$1"

skip()
{
    echo "****************************************************************"
    echo "** The interoperation test of $(basename "$source") was SKIPPED:"
    echo "** $1"
    echo "** Nothing was shown about other implementations in this run."
    echo "****************************************************************"
    [ "${INTEROP_REQUIRED:-0}" = 0 ] || exit 1
    exit 77
}

install_packages()
{
    status=0
    timeout 150 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 \
        > npm.log 2>&1 || status=$?
    [ $status -ne 0 ] || return 0
    cat npm.log
    [ $status -ne 124 ] || skip "npm did not finish within 150 s."
    # Anything else is a fault of ours: a lock file that does not fit, a wrong checksum.
    away='E(NOTFOUND|AI_AGAIN|CONN|TIMEDOUT|NETUNREACH|HOSTUNREACH|40[137]|5[0-9][0-9])|ERR_SOCKET'
    if grep -Eq "$away" npm.log; then
        skip "npm cannot reach its registry; see above."
    fi
    exit 1
}

command -v node > /dev/null || skip "there is no node; tools/install-deps.sh test installs it."
major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$major" -ge 20 ] || skip "node is version $major, and 20 is needed."

# Packages are looked for beside the modules that import them: so these come here.
cp "$source"/*.mjs "$source"/package.json "$source"/package-lock.json .
if ! cmp -s package-lock.json node_modules/.installed; then
    command -v npm > /dev/null || skip "there is no npm; tools/install-deps.sh test installs it."
    install_packages
    cp package-lock.json node_modules/.installed
fi
script=${4:-interop.mjs}
shift $(($# < 4 ? $# : 4))
exec node "$script" "$peer" "$root" "$@"
