#!/bin/sh
# Compares what libconclave.so exports with what the public headers declare.
#
#   tools/check-exports.sh [BUILD_DIR]      check the library in BUILD_DIR/lib (build/debug)
#   tools/check-exports.sh --update         write src/conclave.map from the headers
#
# A function declared but not exported cannot be called; one exported but not declared is an
# interface nobody wrote down. Either fails.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The compiler itself lists the prototypes with the header each came from; data is found by its
# `extern`, which public headers write at the start of the line.
declared()
{
    mkdir -p "$work/include/conclave"
    sed 's/@[A-Z_]*@/0/' include/conclave/version.h.in > "$work/include/conclave/version.h"
    for header in include/conclave/*.h "$work"/include/conclave/*.h; do
        echo "#include <conclave/$(basename "$header")>"
    done > "$work/all.c"
    ${CC:-gcc} -std=c17 -Iinclude -I"$work/include" -fsyntax-only \
        -aux-info "$work/prototypes" "$work/all.c"
    grep '^/\* [^ ]*include/conclave/[^ ]* \*/ extern ' "$work/prototypes" |
        sed 's/^[^(]*\*\/ extern [^(]*[ *]\([A-Za-z_][A-Za-z0-9_]*\) (.*$/\1/'
    sed -n 's/^extern [^("]*[ *]\([A-Za-z_][A-Za-z0-9_]*\)\(\[.*\)\{0,1\};.*/\1/p' \
        include/conclave/*.h
}

declared > "$work/unsorted"
sort -u "$work/unsorted" > "$work/declared"

if [ "${1:-}" = --update ]; then
    {
        echo '/* What libconclave.so shows to others: what include/conclave/ declares, no more.'
        echo ' * Written by `make exports`, checked by `make lint`. */'
        echo 'CONCLAVE_0 {'
        echo '    global:'
        sed 's/.*/        &;/' "$work/declared"
        echo '    local:'
        echo '        *;'
        echo '};'
    } > "$work/map"
    cmp -s "$work/map" src/conclave.map || cp "$work/map" src/conclave.map
    echo "src/conclave.map: $(wc -l < "$work/declared") symbols"
    exit 0
fi

library=${1:-build/debug}/lib/libconclave.so
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    sort -u > "$work/exported"
comm -23 "$work/declared" "$work/exported" | sed 's/$/: declared in a public header, not exported/' \
    > "$work/wrong"
comm -13 "$work/declared" "$work/exported" | sed 's/$/: exported, but in no public header/' \
    >> "$work/wrong"
cat "$work/wrong"
echo "export list: $(wc -l < "$work/exported") symbols, $(wc -l < "$work/wrong") wrong"
if [ -s "$work/wrong" ]; then
    echo "If the headers are right and the functions exist: make exports"
    exit 1
fi
