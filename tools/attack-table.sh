#!/bin/sh
# Writes the table of attacks into docs/THREAT-MODEL.md, between its markers, as the tests tell it.
#
#   tools/attack-table.sh [PROGRAM...]            write (programs: all of tests/attack in build/debug)
#   tools/attack-table.sh --check [PROGRAM...]    fail if the table is another
set -eu
check=false
if [ "${1:-}" = --check ]; then
    check=true
    shift
fi
root=$(cd "$(dirname "$0")/.." && pwd)
page=$root/docs/THREAT-MODEL.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ $# -gt 0 ] || set -- "$root"/build/debug/bin/tests/attack_*_test
for program; do
    "$program" --list
done > "$work/rows"

{
    echo '| # | attack | by | outcome | how |'
    echo '|---|---|---|---|---|'
    sort -s -t '|' -k 2,2n "$work/rows"
} > "$work/table"

awk -v table="$work/table" '
    /^<!-- attacks: end -->$/ { within = 0 }
    !within { print }
    /^<!-- attacks: begin -->$/ {
        within = 1
        while ((getline line < table) > 0)
            print line
    }' "$page" > "$work/page"
if [ "$(wc -l < "$work/table")" -lt 3 ] || ! grep -q -F -f "$work/table" "$work/page"; then
    echo "attack-table.sh: no rows, or no markers in $page" >&2
    exit 1
fi

if ! $check; then
    cat "$work/page" > "$page"
elif ! diff -u "$page" "$work/page"; then
    echo "attack-table.sh: docs/THREAT-MODEL.md is old: run tools/attack-table.sh" >&2
    exit 1
fi
