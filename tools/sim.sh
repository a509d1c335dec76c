#!/bin/sh
# Plays meetings of many seeds, shared out among the processors.
#
#   tools/sim.sh PROGRAM FIRST COUNT JOBS
#
# What fails is named by its seed: PROGRAM SEED plays it again and tells it.
set -eu
program=$1 first=$2 count=$3 jobs=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

share=$(((count + jobs - 1) / jobs))
pids=
for job in $(seq 0 $((jobs - 1))); do
    "$program" $((first + job * share)) "$share" > "$work/$job" 2>&1 &
    pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
if [ $failed -ne 0 ]; then
    for log in "$work"/*; do
        tr '\r' '\n' < "$log" | grep -v '^seed [0-9]*$' | tail -n 20
    done
    exit 1
fi
echo "$((share * jobs)) meetings from seed $first: one history each, nobody stuck"
